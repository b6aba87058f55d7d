/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verbs about containers that are here; making and running them is verbs-run.c. */

#include "base/signals.h"
#include "config.h"
#include "dist.h"
#include "foreground.h"
#include "journal.h"
#include "table.h"
#include "verbs-copy.h"
#include "verbs-processes.h"
#include "verbs-run.h"
#include "verbs-volume.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The properties of a container that listings show. */
typedef struct {
    const char *id, *image, *state, *scope;
    uint32_t pid, owner;
    int32_t status;
    uint64_t created, started, exited;
    int terminal, autostart;
} Properties;

static int read_properties(sd_bus_message *message, Properties *properties) {
    const struct {
        const char *key, *type;
        void *value;
    } known[] = {
        {"Id", "s", &properties->id},
        {"Image", "s", &properties->image},
        {"State", "s", &properties->state},
        {"Scope", "s", &properties->scope},
        {"Pid", "u", &properties->pid},
        {"Owner", "u", &properties->owner},
        {"ExitStatus", "i", &properties->status},
        {"Created", "t", &properties->created},
        {"Started", "t", &properties->started},
        {"Exited", "t", &properties->exited},
        {"Terminal", "b", &properties->terminal},
        {"Autostart", "b", &properties->autostart},
    };
    const char *key;
    int r = sd_bus_message_enter_container(message, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        size_t i = 0;
        if ((r = sd_bus_message_read(message, "s", &key)) < 0)
            return r;
        while (i < G_N_ELEMENTS(known) && !g_str_equal(known[i].key, key))
            i++;
        r = i < G_N_ELEMENTS(known)
                ? sd_bus_message_read(message, "v", known[i].type, known[i].value)
                : sd_bus_message_skip(message, "v");
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

static void add_row(DistTable *table, const Properties *properties) {
    g_autofree char *status = !g_str_equal(properties->state, "stopped") ? g_strdup("-")
                              : properties->status < 0                   ? g_strdup(_("unknown"))
                                                       : g_strdup_printf("%d", properties->status);

    dist_table_add(table, properties->id, properties->image, properties->state, status,
                   (int64_t)properties->pid, (int64_t)properties->owner,
                   (int64_t)properties->created, (int64_t)properties->started,
                   (int64_t)properties->exited);
}

static DistTable *new_table(void) {
    static DistColumn columns[10];

    columns[0] = (DistColumn){"id", _("ID"), DIST_CELL_TEXT};
    columns[1] = (DistColumn){"image", _("IMAGE"), DIST_CELL_TEXT};
    columns[2] = (DistColumn){"state", _("STATE"), DIST_CELL_TEXT};
    columns[3] = (DistColumn){"exitStatus", _("STATUS"), DIST_CELL_TEXT};
    columns[4] = (DistColumn){"pid", _("PID"), DIST_CELL_NUMBER};
    columns[5] = (DistColumn){"owner", _("OWNER"), DIST_CELL_NUMBER};
    columns[6] = (DistColumn){"created", _("CREATED"), DIST_CELL_TIME};
    columns[7] = (DistColumn){"started", _("STARTED"), DIST_CELL_TIME};
    columns[8] = (DistColumn){"exited", _("EXITED"), DIST_CELL_TIME};
    return dist_table_new(columns);
}

static bool is_running(const Properties *properties) {
    return g_str_equal(properties->state, "running") || g_str_equal(properties->state, "paused");
}

static bool starts_by_itself(const Properties *properties) {
    return properties->autostart &&
           (g_str_equal(properties->state, "created") || g_str_equal(properties->state, "stopped"));
}

/* One of a listing; its strings are the reply's. */
typedef struct {
    sd_bus_message *reply;
    const char *id;
    Properties properties;
} Listed;

static void free_listed(gpointer data) {
    Listed *listed = data;

    sd_bus_message_unref(listed->reply);
    g_free(listed);
}

static int read_listed(sd_bus_message *reply, char **key, void *userdata) {
    Listed *listed = g_new0(Listed, 1);
    int r;

    g_ptr_array_add(userdata, listed);
    listed->reply = sd_bus_message_ref(reply);
    listed->properties.state = "";
    if ((r = sd_bus_message_enter_container(reply, 'r', "sa{sv}")) < 0 ||
        (r = sd_bus_message_read(reply, "s", &listed->id)) < 0 ||
        (r = read_properties(reply, &listed->properties)) < 0 ||
        (r = sd_bus_message_exit_container(reply)) < 0)
        return r;
    *key = g_strdup(listed->id);
    return 1;
}

static gint compare_created(gconstpointer a, gconstpointer b) {
    const Listed *first = *(Listed *const *)a, *second = *(Listed *const *)b;

    return first->properties.created < second->properties.created
               ? -1
               : first->properties.created > second->properties.created;
}

/* The oldest first; take may keep nothing of what it is given. */
static bool for_each(void (*take)(const char *id, const Properties *properties, void *userdata),
                     void *userdata, GError **error) {
    const DistListing containers = {DIST_CONTAINERS, "List"};
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(free_listed);

    if (!dist_list(&containers, read_listed, all, error))
        return false;
    g_ptr_array_sort(all, compare_created);
    for (guint i = 0; i < all->len; i++) {
        const Listed *listed = all->pdata[i];
        take(listed->id, &listed->properties, userdata);
    }
    return true;
}

typedef struct {
    bool (*wanted)(const Properties *properties); /* NULL: all */
    DistTable *table;
    GPtrArray *ids;
} Choice;

static void take_row(const char *id, const Properties *properties, void *userdata) {
    const Choice *choice = userdata;

    (void)id;
    if (!choice->wanted || choice->wanted(properties))
        add_row(choice->table, properties);
}

static void take_id(const char *id, const Properties *properties, void *userdata) {
    const Choice *choice = userdata;

    if (choice->wanted(properties))
        g_ptr_array_add(choice->ids, g_strdup(id));
}

static char **list_ids(bool (*wanted)(const Properties *properties), GError **error) {
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    Choice choice = {.wanted = wanted, .ids = ids};

    if (!for_each(take_id, &choice, error))
        return NULL;
    g_ptr_array_add(ids, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&ids), FALSE);
}

char **dist_list_running(GError **error) {
    return list_ids(is_running, error);
}

char **dist_list_autostart(GError **error) {
    return list_ids(starts_by_itself, error);
}

static int verb_ps(int argc, char **argv, GError **error) {
    gboolean all = FALSE;
    const GOptionEntry options[] = {
        {"all", 'a', 0, G_OPTION_ARG_NONE, &all, N_("Also those that do not run"), NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };

    if (!dist_parse(NULL, _("List the containers."), options, false, &argc, &argv, error) ||
        !dist_check_count(argc, 0, 0, error))
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = new_table();
    Choice choice = {.wanted = all ? NULL : is_running, .table = table};
    if (!for_each(take_row, &choice, error))
        return EXIT_FAILURE;
    dist_table_print(table);
    return EXIT_SUCCESS;
}

char *dist_get_state(const char *id, bool *terminal, GError **error) {
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_CONTAINERS, "Get", "s", id);
    Properties properties = {.state = ""};

    if (!reply)
        return NULL;
    int r = read_properties(reply, &properties);
    if (terminal)
        *terminal = properties.terminal;
    if (r >= 0)
        return g_strdup(properties.state);
    dist_bad_reply(r, error);
    return NULL;
}

static int verb_info(int argc, char **argv, GError **error) {
    Properties properties = {.state = ""};

    if (!dist_parse(_("ID"), _("Show a container."), NULL, false, &argc, &argv, error) ||
        !dist_check_count(argc, 1, 1, error))
        return EXIT_FAILURE;
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_CONTAINERS, "Get", "s", argv[1]);
    if (!reply)
        return EXIT_FAILURE;
    int r = read_properties(reply, &properties);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    g_autoptr(DistTable) table = new_table();
    add_row(table, &properties);
    dist_table_print(table);
    return EXIT_SUCCESS;
}

typedef struct {
    int signal, all;
    const char *process;
} Kill;

static bool kill_one(const char *id, const void *userdata, GError **error) {
    const Kill *request = userdata;
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_CONTAINERS, "Kill", "sia{sv}", id, request->signal, 2, "All", "b",
                  request->all, "Process", "s", request->process ? request->process : "");

    return reply != NULL;
}

static int verb_kill(int argc, char **argv, GError **error) {
    g_autofree char *name = NULL, *process = NULL;
    gboolean all = FALSE;
    const GOptionEntry options[] = {
        {"signal", 's', 0, G_OPTION_ARG_STRING, &name, N_("Signal, SIGTERM if not given"),
         N_("SIGNAL")},
        {"all", 'a', 0, G_OPTION_ARG_NONE, &all, N_("To every process of the container"), NULL},
        {"process", 0, 0, G_OPTION_ARG_STRING, &process, N_("For a process that exec made"), "ID"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };

    if (!dist_parse(_("ID…"), _("Send a signal to containers."), options, false, &argc, &argv,
                    error) ||
        !dist_check_count(argc, 1, -1, error))
        return EXIT_FAILURE;
    int signal = berth_signal_parse(name ? name : "TERM");
    if (signal == 0) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("\"%s\" is no signal"), name);
        return EXIT_FAILURE;
    }
    const Kill request = {signal, all, process};
    return dist_for_each(argv + 1, kill_one, &request);
}

static sd_bus_message *make_stop(const char *id, const void *timeout, GError **error) {
    g_autoptr(sd_bus_message) call = dist_new_call(error, DIST_CONTAINERS, "Stop");
    int r = call ? sd_bus_message_append(call, "sa{sv}", id, 1, "TimeoutUSec", "t",
                                         *(const uint64_t *)timeout)
                 : 0;

    if (r < 0)
        return dist_bad_reply(r, error), NULL;
    return g_steal_pointer(&call);
}

static int verb_stop(int argc, char **argv, GError **error) {
    gint64 seconds = -1;
    const GOptionEntry options[] = {
        {"time", 't', 0, G_OPTION_ARG_INT64, &seconds, N_("Wait so long before killing"),
         N_("SECONDS")},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };

    if (!dist_parse(_("ID…"), _("Stop containers."), options, false, &argc, &argv, error) ||
        !dist_check_count(argc, 1, -1, error))
        return EXIT_FAILURE;
    uint64_t timeout = seconds < 0 ? UINT64_MAX : (uint64_t)seconds * G_USEC_PER_SEC;
    return dist_ask_each(argv + 1, make_stop, &timeout);
}

static int verb_wait(int argc, char **argv, GError **error) {
    g_autofree char *process = NULL;
    const GOptionEntry options[] = {
        {"process", 0, 0, G_OPTION_ARG_STRING, &process, N_("For a process that exec made"), "ID"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };

    if (!dist_parse(_("ID"), _("Wait for a container; its exit status becomes this one's."),
                    options, false, &argc, &argv, error) ||
        !dist_check_count(argc, 1, 1, error))
        return DIST_EXIT_BERTH;
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_CONTAINERS, "Wait", "ss", argv[1], process ? process : "");
    return reply ? dist_read_status(reply, argv[1], error) : DIST_EXIT_BERTH;
}

static int verb_rm(int argc, char **argv, GError **error) {
    return dist_delete_each(DIST_CONTAINERS, _("ID…"), _("Delete containers."),
                            N_("Kill it first if it runs"), argc, argv, error);
}

/* The journal's own client finds the entries, since it knows ways to say a time; what it has found
 * is printed here, as the container wrote it. */
static int verb_logs(int argc, char **argv, GError **error) {
    g_autofree char *since = NULL;
    gboolean follow = FALSE;
    const GOptionEntry options[] = {
        {"follow", 'f', 0, G_OPTION_ARG_NONE, &follow, N_("Go on with what comes"), NULL},
        {"since", 0, 0, G_OPTION_ARG_STRING, &since, N_("From this time on"), N_("TIME")},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };

    if (!dist_parse(_("ID"), _("Show what a container wrote to the journal."), options, false,
                    &argc, &argv, error) ||
        !dist_check_count(argc, 1, 1, error))
        return EXIT_FAILURE;
    g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(arguments, g_strdup("journalctl"));
    g_ptr_array_add(arguments, g_strdup("--quiet"));
    g_ptr_array_add(arguments,
                    g_strdup(dist_settings.json == DIST_JSON_OFF     ? "--output=export"
                             : dist_settings.json == DIST_JSON_SHORT ? "--output=json"
                                                                     : "--output=json-pretty"));
    if (follow)
        g_ptr_array_add(arguments, g_strdup("--follow"));
    g_ptr_array_add(arguments, g_strdup("--no-pager"));
    if (since)
        g_ptr_array_add(arguments, g_strconcat("--since=", since, NULL));
    g_ptr_array_add(arguments, g_strdup_printf("_SYSTEMD_UNIT=berth-%s.scope", argv[1]));
    g_ptr_array_add(arguments, NULL);
    if (dist_settings.json == DIST_JSON_OFF)
        return dist_journal_print((char **)arguments->pdata, error) ? EXIT_SUCCESS : EXIT_FAILURE;
    execvp("journalctl", (char **)arguments->pdata);
    berth_error_set_errno(error, errno, "%s", _("run journalctl"));
    return EXIT_FAILURE;
}

/* Those after *last, which it becomes: the first to come as signals may be among those asked for.
 */
static void print_event(sd_bus_message *message, const char *types, uint64_t *last) {
    const char *kind, *id, *process;
    uint64_t sequence, usec;
    int32_t status;
    uint32_t pid;

    if (sd_bus_message_read(message, types, &sequence, &kind, &id, &process, &pid, &status,
                            &usec) <= 0 ||
        sequence <= *last)
        return;
    *last = sequence;
    g_autofree char *time = dist_format_time(usec);
    g_autofree char *name = process[0] ? g_strconcat(id, " ", process, NULL) : g_strdup(id);
    if (dist_settings.json != DIST_JSON_OFF)
        printf("{\"sequence\":%" G_GUINT64_FORMAT ",\"kind\":\"%s\",\"id\":\"%s\","
               "\"process\":\"%s\",\"pid\":%u,\"status\":%d,\"time\":%" G_GUINT64_FORMAT "}\n",
               sequence, kind, id, process, pid, status, usec);
    else if (g_str_equal(kind, "exit"))
        printf("%s  %-12s %s  %d\n", time, kind, name, status);
    else
        printf("%s  %-12s %s\n", time, kind, name);
    fflush(stdout);
}

static int on_event(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    (void)error;
    print_event(signal, "tsssuit", userdata);
    return 0;
}

/* All after *last, as many calls as it takes. */
static bool print_past_events(uint64_t *last, GError **error) {
    uint64_t before;

    do {
        before = *last;
        g_autoptr(sd_bus_message) reply =
            dist_call(error, DIST_CONTAINERS, "EventsSince", "t", before);
        if (!reply)
            return false;
        int r = sd_bus_message_enter_container(reply, 'a', "(tsssuit)");
        if (r < 0)
            return dist_bad_reply(r, error);
        while (sd_bus_message_at_end(reply, 0) == 0)
            print_event(reply, "(tsssuit)", last);
    } while (*last != before);
    return true;
}

/* Subscribed first, so that nothing is lost between what was and what comes. */
static int verb_events(int argc, char **argv, GError **error) {
    gint64 since = -1;
    gboolean no_follow = FALSE;
    uint64_t last = 0;
    const GOptionEntry options[] = {
        {"since", 0, 0, G_OPTION_ARG_INT64, &since, N_("First those after this one"),
         N_("SEQUENCE")},
        {"no-follow", 0, 0, G_OPTION_ARG_NONE, &no_follow, N_("Do not wait for more"), NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int r = 0;

    if (!dist_parse(NULL, _("Show what happens to containers."), options, false, &argc, &argv,
                    error) ||
        !dist_check_count(argc, 0, 0, error))
        return EXIT_FAILURE;
    sd_bus *bus = dist_bus(error);
    if (!bus)
        return EXIT_FAILURE;
    last = (uint64_t)MAX(since, 0);
    if (!no_follow) {
        r = sd_bus_match_signal(bus, NULL, DIST_DESTINATION, DIST_CONTAINERS, "Event", on_event,
                                &last);
        g_autoptr(sd_bus_message) subscribed =
            r < 0 ? NULL : dist_call(error, DIST_CONTAINERS, "Subscribe", "a{sv}", 0);
        if (!subscribed)
            return EXIT_FAILURE;
    }
    if (since >= 0 && !print_past_events(&last, error))
        return EXIT_FAILURE;
    while (!no_follow && r >= 0) {
        r = sd_bus_process(bus, NULL);
        if (r == 0)
            r = sd_bus_wait(bus, UINT64_MAX);
    }
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    return EXIT_SUCCESS;
}

const DistVerb dist_container_verbs[] = {
    {"run", "IMAGE [COMMAND…]", N_("make a container and run a command in it"), dist_verb_run},
    {"create", "IMAGE [COMMAND…]", N_("make a container"), dist_verb_create},
    {"start", "ID", N_("start a container"), dist_verb_start},
    {"ps", "", N_("list the containers"), verb_ps},
    {"info", "ID", N_("show a container"), verb_info},
    {"kill", "ID…", N_("send a signal to containers"), verb_kill},
    {"stop", "ID…", N_("stop containers"), verb_stop},
    {"wait", "ID", N_("wait for a container"), verb_wait},
    {"rm", "ID…", N_("delete containers"), verb_rm},
    {"exec", "ID COMMAND…", N_("run another command in a container"), dist_verb_exec},
    {"attach", "ID", N_("use the terminal of a container"), dist_verb_attach},
    {"pause", "ID…", N_("stop the processes of containers where they are"), dist_verb_pause},
    {"resume", "ID…", N_("let them go on"), dist_verb_resume},
    {"checkpoint", "ID", N_("write what runs in a container to disk"), dist_verb_checkpoint},
    {"restore", "ID", N_("start a container where its checkpoint left it"), dist_verb_restore},
    {"update", "ID PROPERTY=VALUE…", N_("change the limits of a container"), dist_verb_update},
    {"top", "ID", N_("list the processes of a container"), dist_verb_top},
    {"volume", "VERB", N_("volumes: list, create, rm"), dist_verb_volume},
    {"cp", "ID:PATH LOCAL | LOCAL ID:PATH", N_("copy files out of a container or into one"),
     dist_verb_cp},
    {"diff", "ID", N_("list what a container has changed"), dist_verb_diff},
    {"rename", "ID NEW", N_("give a container another id"), dist_verb_rename},
    {"port", "ID", N_("list the ports of a container"), dist_verb_port},
    {"stats", "[ID…]", N_("show what containers use"), dist_verb_stats},
    {"logs", "ID", N_("show what a container wrote to the journal"), verb_logs},
    {"events", "", N_("show what happens to containers"), verb_events},
    {NULL, NULL, NULL, NULL},
};
