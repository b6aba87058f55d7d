/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verbs about containers that exist: ps, info, kill, stop, wait, rm, events. Creating and starting
 * them is in verbs-run.c. */

#include "client/verbs.h"

#include "base/signals.h"
#include "client/bus.h"
#include "client/container-status.h"
#include "client/containers.h"
#include "client/dictionary.h"
#include "client/each.h"
#include "client/format.h"
#include "client/process-replies.h"
#include "client/table.h"
#include "client/verbs-logs.h"
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct { gboolean all; } ps_given;

/* podman's names of states. */
static const char *const states[] = {"exited", "stopped", "configured", "created", NULL};

static const DistFilterName ps_filters[] = {
    {"id", "Id", DIST_FILTER_PREFIX},
    {"name", "Id", DIST_FILTER_PART},
    {"label", "Labels", DIST_FILTER_LABEL},
    {"status", "State", DIST_FILTER_TEXT, states},
    {"ancestor", "Image", DIST_FILTER_IMAGE},
    {"exited", "ExitStatus", DIST_FILTER_STATUS},
    {"health", "Health", DIST_FILTER_TEXT},
    {"network", "Networks", DIST_FILTER_MEMBER},
    {"before", NULL, DIST_FILTER_ADDITION},
    {"since", NULL, DIST_FILTER_ADDITION},
    {NULL},
};

static const DistOption ps_options[] = {
    {"all", 'a', DIST_OPTION_FLAG, &ps_given.all, N_("Show also containers that are not running"),
     NULL},
    DIST_OPTION_INCLUDE(dist_filter_options),
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

/* "up 2 hours, healthy"; "exited (0) 5 minutes ago". */
static char *format_status(const DistContainer *container) {
    uint64_t now = (uint64_t)g_get_real_time();
    g_autofree char *lasts = dist_format_duration(now - MIN(container->started, now));
    g_autofree char *ended = dist_format_ago(container->exited);

    switch (container->state) {
    case DIST_CONTAINER_CREATED:
        return g_strdup(_("created"));
    case DIST_CONTAINER_RUNNING:
        if (container->health[0])
            return g_strdup_printf(_("up %s, %s"), lasts, _(container->health));
        return g_strdup_printf(_("up %s"), lasts);
    case DIST_CONTAINER_PAUSED:
        return g_strdup_printf(_("paused, started %s ago"), lasts);
    case DIST_CONTAINER_STOPPED:
        if (container->status < 0)
            return g_strdup_printf(_("exited %s, status unknown"), ended);
        return g_strdup_printf(_("exited (%d) %s"), container->status, ended);
    case DIST_CONTAINER_UNKNOWN:
        break;
    }
    return g_strdup(container->state_name);
}

/* The order is that of the columns in new_table(); several of them are only in JSON and for
 * --format. */
static void add_row(DistTable *table, const DistContainer *container) {
    g_autofree char *exit_status = container->state != DIST_CONTAINER_STOPPED ? g_strdup("-")
                                   : container->status < 0
                                       ? g_strdup(_("unknown"))
                                       : g_strdup_printf("%d", container->status);
    g_autofree char *status = format_status(container);
    g_autofree char *command = container->command ? g_strjoinv(" ", container->command) : NULL;
    g_autofree char *ports = container->ports ? g_strjoinv(", ", container->ports) : NULL;

    dist_table_add(table, container->id, container->image, command ? command : "", status,
                   dist_container_get_color(container), ports ? ports : "", container->state_name,
                   exit_status, container->health, (int64_t)container->pid,
                   (int64_t)container->owner, (int64_t)container->created,
                   (int64_t)container->started, (int64_t)container->exited);
}

static DistTable *new_table(void) {
    static DistColumn columns[] = {
        {"id", NULL, DIST_CELL_TEXT},         {"image", NULL, DIST_CELL_TEXT},
        {"command", NULL, DIST_CELL_TEXT},    {"status", NULL, DIST_CELL_STATE},
        {"ports", NULL, DIST_CELL_TEXT},      {"state", NULL, DIST_CELL_TEXT},
        {"exitStatus", NULL, DIST_CELL_TEXT}, {"health", NULL, DIST_CELL_TEXT},
        {"pid", NULL, DIST_CELL_NUMBER},      {"owner", NULL, DIST_CELL_NUMBER},
        {"created", NULL, DIST_CELL_TIME},    {"started", NULL, DIST_CELL_TIME},
        {"exited", NULL, DIST_CELL_TIME},     {NULL, NULL, 0},
    };

    /* Translated when dist runs: an initializer has to be constant. */
    columns[0].header = _("ID");
    columns[1].header = _("IMAGE");
    columns[2].header = _("COMMAND");
    columns[3].header = _("STATUS");
    columns[4].header = _("PORTS");
    return dist_table_new(columns);
}

/* When the container that a filter names was created; limit if there is no such filter. */
static bool read_moment(const char *filter, uint64_t limit, uint64_t *moment, GError **error) {
    const char *id = dist_filter_find(filter);
    g_autoptr(DistContainer) container = id ? dist_container_get(id, error) : NULL;

    *moment = container ? container->created : limit;
    return !id || container;
}

static int verb_ps(char **argv, GError **error) {
    uint64_t before, since;

    (void)argv;
    if (!dist_filter_check(ps_filters, error) ||
        !read_moment("before", UINT64_MAX, &before, error) ||
        !read_moment("since", 0, &since, error))
        return EXIT_FAILURE;
    g_autoptr(GPtrArray) all = dist_containers_list(ps_filters, error);
    g_autoptr(DistTable) table = new_table();
    if (!all)
        return EXIT_FAILURE;
    uint64_t first = dist_filter_find("since") ? since + 1 : 0;
    /* A filter for a state asks for all containers in it, running or not. */
    bool any_state = ps_given.all || dist_filter_find("status") || dist_filter_find("exited");
    for (guint i = 0; i < all->len; i++) {
        const DistContainer *container = all->pdata[i];
        if ((any_state || dist_container_is_running(container)) && container->created < before &&
            container->created >= first)
            add_row(table, container);
    }
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* For scripts it is a table of one row, as that of ps; for people it is a page. */
static int verb_info(char **argv, GError **error) {
    g_autoptr(DistContainer) container = dist_container_get(argv[1], error);
    g_autoptr(DistTable) table = new_table();

    if (!container)
        return EXIT_FAILURE;
    if (dist_settings.json == DIST_JSON_OFF && !dist_settings.quiet && !dist_table_has_format()) {
        g_autofree char *status = format_status(container);
        dist_container_status_print(container, status);
        return EXIT_SUCCESS;
    }
    add_row(table, container);
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
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

static struct {
    char *name;
    gboolean all;
    char *process;
} kill_given;

static const DistOption kill_options[] = {
    {"signal", 's', DIST_OPTION_TEXT, &kill_given.name, N_("Signal, SIGTERM if not given"),
     N_("SIGNAL")},
    {"all", 'a', DIST_OPTION_FLAG, &kill_given.all, N_("Signal every process of the container"),
     NULL},
    {"process", 0, DIST_OPTION_TEXT, &kill_given.process, N_("Select a process that exec started"),
     "ID"},
    DIST_OPTION_END,
};

static int verb_kill(char **argv, GError **error) {
    int signal = berth_signal_parse(kill_given.name ? kill_given.name : "TERM");
    if (signal == 0) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("unknown signal \"%s\""),
                        kill_given.name);
        return EXIT_FAILURE;
    }
    const Kill request = {signal, kill_given.all, kill_given.process};
    return dist_for_each(argv + 1, kill_one, &request);
}

/* The call belongs to the caller. UINT64_MAX leaves the time to the container's own setting. */
static sd_bus_message *make_stop(const char *id, const void *timeout, GError **error) {
    g_autoptr(sd_bus_message) call = dist_new_call(error, DIST_CONTAINERS, "Stop");
    int r = call ? sd_bus_message_append(call, "sa{sv}", id, 1, "TimeoutUSec", "t",
                                         *(const uint64_t *)timeout)
                 : 0;

    if (r < 0)
        return dist_bad_reply(r, error), NULL;
    return g_steal_pointer(&call);
}

static struct {
    gint64 seconds;
    gboolean ignore;
} stop_given = {.seconds = -1};

static const DistOption stop_options[] = {
    {"time", 't', DIST_OPTION_NUMBER, &stop_given.seconds, N_("Time to wait before SIGKILL"),
     N_("SECONDS")},
    {"ignore", 'i', DIST_OPTION_FLAG, &stop_given.ignore, N_("Do not fail if there is none"), NULL},
    DIST_OPTION_END,
};

/* With --ignore: false only if a container exists and cannot be stopped. */
static bool ignore_absent(sd_bus_message *reply, bool ignore, GError **error) {
    if (reply || !ignore || !g_error_matches(*error, BERTH_ERROR, BERTH_ERROR_NOT_FOUND))
        return reply != NULL;
    g_clear_error(error);
    return true;
}

static bool stop_by_id(const char *id, const void *userdata, GError **error) {
    sd_bus_message *call = make_stop(id, userdata, error);
    g_autoptr(sd_bus_message) reply = call ? dist_send(call, error) : NULL;

    if (reply)
        puts(id);
    return ignore_absent(reply, true, error);
}

/* Without --ignore, root's calls go out together (dist_ask_each()), so that containers stop at the
 * same time. */
static int verb_stop(char **argv, GError **error) {
    (void)error;

    uint64_t timeout =
        stop_given.seconds < 0 ? UINT64_MAX : (uint64_t)stop_given.seconds * G_USEC_PER_SEC;
    return stop_given.ignore ? dist_for_each(argv + 1, stop_by_id, &timeout)
                             : dist_ask_each(argv + 1, make_stop, &timeout);
}

static struct { char *process; } wait_given;

static const DistOption wait_options[] = {
    {"process", 0, DIST_OPTION_TEXT, &wait_given.process, N_("Select a process that exec started"),
     "ID"},
    DIST_OPTION_END,
};

static int verb_wait(char **argv, GError **error) {
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_CONTAINERS, "Wait", "ssa{sv}", argv[1],
                                                wait_given.process ? wait_given.process : "", 0);
    return reply ? dist_read_status(reply, argv[1], error) : DIST_EXIT_BERTH;
}

static struct { gboolean force, ignore; } rm_given;

static const DistOption rm_options[] = {
    {"force", 'f', DIST_OPTION_FLAG, &rm_given.force, N_("Kill it first if it is running"), NULL},
    {"ignore", 'i', DIST_OPTION_FLAG, &rm_given.ignore, N_("Do not fail if there is none"), NULL},
    DIST_OPTION_END,
};

static bool rm_by_id(const char *id, const void *userdata, GError **error) {
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_CONTAINERS, "Delete", "sa{sv}", id, 1, "Force", "b", rm_given.force);

    (void)userdata;
    if (reply)
        puts(id);
    return ignore_absent(reply, rm_given.ignore, error);
}

static int verb_rm(char **argv, GError **error) {
    (void)error;
    return dist_for_each(argv + 1, rm_by_id, NULL);
}

/* Prints an event if it follows *last, which becomes its number. After Subscribe an event may come
 * twice, as a signal and in the reply of EventsSince. */
static void print_event(sd_bus_message *message, uint64_t *last) {
    const char *kind, *id, *process = "";
    uint64_t sequence, usec = 0;
    int32_t status = -1;
    uint32_t pid = 0;
    const DistField details[] = {
        {"Process", "s", &process}, {"Pid", "u", &pid}, {"Status", "i", &status},
        {"Time", "t", &usec},       {NULL, NULL, NULL},
    };

    if (sd_bus_message_read(message, "tss", &sequence, &kind, &id) <= 0 ||
        dist_dictionary_read(message, details) < 0 || sequence <= *last)
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
    print_event(signal, userdata);
    return 0;
}

/* Prints all events after *last. A reply has at most 1000, so it asks until there are no more. */
static bool print_past_events(uint64_t *last, GError **error) {
    uint64_t before;

    do {
        before = *last;
        g_autoptr(sd_bus_message) reply =
            dist_call(error, DIST_CONTAINERS, "EventsSince", "ta{sv}", before, 0);
        if (!reply)
            return false;
        int r = sd_bus_message_enter_container(reply, 'a', "(tssa{sv})");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "tssa{sv}")) > 0) {
            print_event(reply, last);
            r = sd_bus_message_exit_container(reply);
        }
        if (r < 0)
            return dist_bad_reply(r, error);
    } while (*last != before);
    return true;
}

static struct {
    gint64 since;
    gboolean no_follow;
} events_given = {.since = -1};

static const DistOption events_options[] = {
    {"since", 0, DIST_OPTION_NUMBER, &events_given.since,
     N_("Show past events after this number first"), N_("SEQUENCE")},
    {"no-follow", 0, DIST_OPTION_FLAG, &events_given.no_follow,
     N_("Do not wait for further events"), NULL},
    DIST_OPTION_END,
};

/* Subscribes before asking for past events, so that none is lost in between. The match comes before
 * Subscribe, for the same reason. */
static int verb_events(char **argv, GError **error) {
    uint64_t last = 0;
    int r = 0;

    (void)argv;
    sd_bus *bus = dist_bus(error);
    if (!bus)
        return EXIT_FAILURE;
    last = (uint64_t)MAX(events_given.since, 0);
    if (!events_given.no_follow) {
        r = sd_bus_match_signal(bus, NULL, DIST_DESTINATION, DIST_CONTAINERS, "Event", on_event,
                                &last);
        g_autoptr(sd_bus_message) subscribed =
            r < 0 ? NULL : dist_call(error, DIST_CONTAINERS, "Subscribe", "a{sv}", 0);
        if (!subscribed)
            return EXIT_FAILURE;
    }
    if (events_given.since >= 0 && !print_past_events(&last, error))
        return EXIT_FAILURE;
    while (!events_given.no_follow && r >= 0) {
        r = sd_bus_process(bus, NULL);
        if (r == 0)
            r = sd_bus_wait(bus, UINT64_MAX);
    }
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    return EXIT_SUCCESS;
}

const DistVerb dist_container_verbs[] = {
    {.name = "ps",
     .arguments = "",
     .summary = N_("List containers"),
     .options = ps_options,
     .run = verb_ps,
     .details = N_("Filters: id, name, label, status, ancestor, exited, health, network, before, "
                   "since."),
     .example = "dist ps -a --filter status=exited"},
    {.name = "info",
     .arguments = N_("ID"),
     .summary = N_("Show the status of a container"),
     .options = dist_table_options,
     .run = verb_info,
     .min = 1,
     .max = 1},
    {.name = "kill",
     .arguments = N_("ID…"),
     .summary = N_("Send a signal to containers"),
     .options = kill_options,
     .run = verb_kill,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .example = "dist kill -s HUP web"},
    {.name = "stop",
     .arguments = N_("ID…"),
     .summary = N_("Stop containers"),
     .options = stop_options,
     .run = verb_stop,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .example = "dist stop -t 30 web"},
    {.name = "wait",
     .arguments = N_("ID"),
     .summary = N_("Wait for a container and exit with its status"),
     .options = wait_options,
     .run = verb_wait,
     .min = 1,
     .max = 1,
     .flags = DIST_VERB_RUNS},
    {.name = "rm",
     .arguments = N_("ID…"),
     .summary = N_("Delete containers"),
     .options = rm_options,
     .run = verb_rm,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .example = "dist rm -f web"},
    {.name = "logs",
     .arguments = N_("ID…"),
     .summary = N_("Show what containers wrote to the journal"),
     .options = dist_logs_options,
     .run = dist_verb_logs,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .example = "dist logs -f web"},
    {.name = "events",
     .arguments = "",
     .summary = N_("Show events of containers"),
     .options = events_options,
     .run = verb_events},
    {.name = NULL},
};
