/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist top: the processes of a container. The columns may be chosen by the words of ps(1), which
 * mean two things: as arguments, as in podman, pid and user are those in the container; with -o, as
 * in docker, those of the host. Users are numbers, since only the container knows their names.
 */

#include "client/verbs-top.h"

#include "client/bus.h"
#include "client/dictionary.h"
#include "client/listing.h"
#include "client/table.h"

#include <stdlib.h>
#include <string.h>

static struct { char **columns; } top_given;

const DistOption dist_top_options[] = {
    {"columns", 'o', DIST_OPTION_LIST, &top_given.columns,
     N_("Show these columns of ps(1); pid, ppid and user are those of the host"), N_("COLUMN,…")},
    {"every", 'e', DIST_OPTION_FLAG, NULL,
     N_("Without effect: every process of the container is shown"), NULL},
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

/* A word of ps(1) or podman-top(1), and the column that it means, as an argument and with -o. */
typedef struct {
    const char *word, *inner, *host;
} TopWord;

static const TopWord top_words[] = {
    {"pid", "innerPid", "pid"},
    {"ppid", "innerParent", "parent"},
    {"user", "innerUid", "uid"},
    {"uid", "innerUid", "uid"},
    {"hpid", "pid", "pid"},
    {"huser", "uid", "uid"},
    {"process", "process", "process"},
    {"args", "command", "command"},
    {"command", "command", "command"},
    {"cmd", "command", "command"},
    {"comm", "name", "name"},
    {"etime", "elapsed", "elapsed"},
    {"start", "started", "started"},
    {"stime", "started", "started"},
    {"time", "time", "time"},
    {"pcpu", "cpu", "cpu"},
    {"%cpu", "cpu", "cpu"},
    {"state", "state", "state"},
    {"stat", "state", "state"},
    {"tty", "tty", "tty"},
    {"nice", "nice", "nice"},
    {"ni", "nice", "nice"},
    {"rss", "rss", "rss"},
    {"vsz", "vsz", "vsz"},
    {NULL, NULL, NULL},
};

static bool set_no_word(const char *word, GError **error) {
    g_autoptr(GString) known = g_string_new(NULL);

    for (const TopWord *entry = top_words; entry->word; entry++)
        g_string_append_printf(known, "%s%s", known->len > 0 ? ", " : "", entry->word);
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           _("there is no column \"%s\"; use %s"), word, known->str);
}

/* Adds the columns that the words mean, which may be lists separated by commas. */
static bool add_columns(GString *columns, char *const *words, bool is_inner, GError **error) {
    for (; words && *words; words++) {
        g_auto(GStrv) list = g_strsplit(*words, ",", -1);
        for (char **word = list; *word; word++) {
            const TopWord *entry = top_words;
            while (entry->word && g_ascii_strcasecmp(entry->word, *word) != 0)
                entry++;
            if (!entry->word)
                return set_no_word(*word, error);
            g_string_append_printf(columns, "%s%s", columns->len > 0 ? "," : "",
                                   is_inner ? entry->inner : entry->host);
        }
    }
    return true;
}

typedef struct {
    const char *process, *command, *name, *state, *terminal;
    uint32_t pid, uid, inner_pid, inner_uid, parent;
    int32_t nice;
    uint64_t started, cpu_usec, resident, virtual_size;
} TopProcess;

/* The strings belong to replies, which the list keeps. */
typedef struct {
    GArray *processes;
    GPtrArray *replies;
} TopList;

static void unref_reply(gpointer reply) {
    sd_bus_message_unref(reply);
}

static int top_read(sd_bus_message *reply, char **key, void *userdata) {
    TopList *list = userdata;
    TopProcess process = {.process = "", .command = "", .name = "", .state = "", .terminal = ""};
    const char *name;
    const DistField fields[] = {
        {"Pid", "u", &process.pid},
        {"Process", "s", &process.process},
        {"UID", "u", &process.uid},
        {"CommandLine", "s", &process.command},
        {"Name", "s", &process.name},
        {"InnerPid", "u", &process.inner_pid},
        {"InnerUID", "u", &process.inner_uid},
        {"ParentPid", "u", &process.parent},
        {"State", "s", &process.state},
        {"Nice", "i", &process.nice},
        {"Terminal", "s", &process.terminal},
        {"Started", "t", &process.started},
        {"CPUUsageUSec", "t", &process.cpu_usec},
        {"ResidentMemory", "t", &process.resident},
        {"VirtualMemory", "t", &process.virtual_size},
        {NULL, NULL, NULL},
    };
    int r = dist_dictionary_read_item(reply, &name, fields);

    if (r <= 0)
        return r;
    g_ptr_array_add(list->replies, sd_bus_message_ref(reply));
    g_array_append_val(list->processes, process);
    *key = g_strdup(name);
    return 1;
}

/* As ps(1) writes times: [[DD-]hh:]mm:ss, or with all hours. */
static char *format_clock(uint64_t usec, bool has_hours) {
    unsigned seconds = (unsigned)(usec / G_USEC_PER_SEC);
    unsigned days = seconds / 86400, hours = seconds / 3600 % 24;
    g_autofree char *day = days > 0 ? g_strdup_printf("%u-", days) : g_strdup("");
    g_autofree char *hour =
        days > 0 || hours > 0 || has_hours ? g_strdup_printf("%02u:", hours) : g_strdup("");

    return g_strdup_printf("%s%s%02u:%02u", day, hour, seconds / 60 % 60, seconds % 60);
}

/* The parent's pid in the container; 0 for a parent outside. */
static int64_t find_inner_parent(const GArray *processes, const TopProcess *of) {
    for (guint i = 0; i < processes->len; i++) {
        const TopProcess *process = &g_array_index(processes, TopProcess, i);
        if (process->pid == of->parent)
            return process->inner_pid;
    }
    return 0;
}

static void top_add_row(DistTable *table, const GArray *processes, const TopProcess *process) {
    uint64_t now = (uint64_t)g_get_real_time();
    uint64_t age = now - MIN(process->started, now);
    g_autofree char *elapsed = format_clock(age, false);
    g_autofree char *used = format_clock(process->cpu_usec, true);
    g_autofree char *load =
        g_strdup_printf("%.1f", 100 * (double)process->cpu_usec / (double)MAX(age, 1));
    int64_t inner =
        process->inner_uid == UINT32_MAX ? DIST_CELL_UNKNOWN : (int64_t)process->inner_uid;

    dist_table_add(
        table, (int64_t)process->pid, process->process[0] ? process->process : "-",
        (int64_t)process->uid, process->command, process->name, (int64_t)process->inner_pid,
        find_inner_parent(processes, process), (int64_t)process->parent, inner, process->state,
        (int64_t)process->nice, process->terminal[0] ? process->terminal : "?", elapsed, used, load,
        (int64_t)process->started, (int64_t)process->resident, (int64_t)process->virtual_size);
}

/* The table of chosen columns has all headings, those of ps(1); without a choice, it has the first
 * four. */
static DistTable *top_new_table(bool is_chosen) {
    const char *const usual[] = {_("PID"), _("PROCESS"), _("UID"), _("COMMAND")};
    static DistColumn columns[] = {
        {"pid", "PID", DIST_CELL_NUMBER},
        {"process", "PROCESS", DIST_CELL_TEXT},
        {"uid", "USER", DIST_CELL_NUMBER},
        {"command", "COMMAND", DIST_CELL_TEXT},
        {"name", "COMMAND", DIST_CELL_TEXT},
        {"innerPid", "PID", DIST_CELL_NUMBER},
        {"innerParent", "PPID", DIST_CELL_NUMBER},
        {"parent", "PPID", DIST_CELL_NUMBER},
        {"innerUid", "USER", DIST_CELL_NUMBER},
        {"state", "S", DIST_CELL_TEXT},
        {"nice", "NI", DIST_CELL_NUMBER},
        {"tty", "TTY", DIST_CELL_TEXT},
        {"elapsed", "ELAPSED", DIST_CELL_TEXT},
        {"time", "TIME", DIST_CELL_TEXT},
        {"cpu", "%CPU", DIST_CELL_TEXT},
        {"started", "STARTED", DIST_CELL_TIME},
        {"rss", "RSS", DIST_CELL_SIZE},
        {"vsz", "VSZ", DIST_CELL_SIZE},
        {NULL, NULL, DIST_CELL_TEXT},
    };

    for (size_t i = 0; !is_chosen && columns[i].key; i++)
        columns[i].header = i < G_N_ELEMENTS(usual) ? usual[i] : NULL;
    return dist_table_new(columns);
}

int dist_verb_top(char **argv, GError **error) {
    g_autoptr(GString) columns = g_string_new(NULL);
    g_autoptr(GArray) processes = g_array_new(FALSE, FALSE, sizeof(TopProcess));
    g_autoptr(GPtrArray) replies = g_ptr_array_new_with_free_func(unref_reply);
    TopList list = {processes, replies};
    const DistListing all = {DIST_CONTAINERS, "Processes", .of = argv[1]};

    if (!add_columns(columns, argv + 2, true, error) ||
        !add_columns(columns, top_given.columns, false, error) ||
        (columns->len > 0 && !dist_table_choose(columns->str, error)) ||
        !dist_list(&all, top_read, &list, error))
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = top_new_table(columns->len > 0);
    for (guint i = 0; i < processes->len; i++)
        top_add_row(table, processes, &g_array_index(processes, TopProcess, i));
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}
