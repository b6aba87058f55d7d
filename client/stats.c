/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist stats: the resource usage of containers, printed once as a table, or refreshed on a terminal
 * until Ctrl-C. Templates and JSON also have docker's words. The live view remembers earlier
 * readings of each container, from which it computes the CPU load of the last interval and its
 * history.
 */

#include "client/stats.h"

#include "base/fd.h"
#include "client/bus.h"
#include "client/containers.h"
#include "client/format.h"
#include "client/layout.h"
#include "client/screen.h"
#include "client/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HISTORY = 12, MAX_INTERVAL = 3600, COLUMNS_WITHOUT_TEMPLATE = 8 };

/* Between the two readings that CPUPerc needs. */
#define SAMPLE_USEC (G_USEC_PER_SEC / 2)

static struct {
    gboolean once, all;
    gint64 interval;
} given = {.interval = 1};

const DistOption dist_stats_options[] = {
    {"no-stream", 0, DIST_OPTION_FLAG, &given.once, N_("Show the figures once and exit"), NULL},
    {"interval", 'i', DIST_OPTION_NUMBER, &given.interval,
     N_("Time between two updates; 1 if not given"), N_("SECONDS")},
    {"no-reset", 0, DIST_OPTION_FLAG, NULL,
     N_("Without effect: on a terminal, the table is drawn over the previous one"), NULL},
    {"all", 'a', DIST_OPTION_FLAG, &given.all, N_("Include containers that do not run"), NULL},
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

/* The readings of a container so far. */
typedef struct {
    char *id;
    uint64_t cpu_usec, at_usec; /* of the last reading */
    double cpu;                 /* processors in the last interval; negative: not known yet */
    double loads[HISTORY];      /* the most recent ones, newest last */
    guint count;
    DistContainerUsage figures;
    bool is_current;
} ContainerHistory;

static void history_free(gpointer data) {
    g_free(((ContainerHistory *)data)->id);
    g_free(data);
}

static bool is_any_container(const DistContainer *container) {
    (void)container;
    return true;
}

static char **list_ids(char **argv, GError **error) {
    return argv[1] ? g_strdupv(argv + 1)
                   : dist_containers_list_ids(
                         given.all ? is_any_container : dist_container_is_running, error);
}

/* The readings of a container; known is false if it does not run. */
typedef struct {
    const char *id;
    DistContainerUsage figures;
    bool known;
    double cpu; /* processors in use; negative: not known */
} StatsRow;

static bool is_known(const StatsRow *row, uint64_t value, bool zero_is_unknown) {
    return row->known && value != UINT64_MAX && !(zero_is_unknown && value == 0);
}

static int64_t get_number(const StatsRow *row, uint64_t value, bool zero_is_unknown) {
    return is_known(row, value, zero_is_unknown) ? (int64_t)value : DIST_CELL_UNKNOWN;
}

/* "A / B", as docker writes pairs. The caller frees it. */
static char *format_pair(const StatsRow *row, uint64_t first, uint64_t second,
                         bool zero_is_unknown) {
    g_autofree char *one =
        is_known(row, first, zero_is_unknown) ? dist_format_size(first) : g_strdup("--");
    g_autofree char *two =
        is_known(row, second, zero_is_unknown) ? dist_format_size(second) : g_strdup("--");

    return g_strconcat(one, " / ", two, NULL);
}

/* Without a limit of its own, a container may use the memory of the machine; that of another one is
 * not known here: 0. */
static uint64_t find_memory_limit(const StatsRow *row) {
    uint64_t machine = dist_bus_is_here()
                           ? (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE)
                           : 0;

    return row->figures.memory_max == UINT64_MAX ||
                   (machine > 0 && row->figures.memory_max > machine)
               ? machine
               : row->figures.memory_max;
}

static char *format_percent(bool knows_ratio, double ratio) {
    return knows_ratio ? g_strdup_printf("%.2f%%", ratio * 100) : g_strdup("--");
}

/* docker's words are in JSON, and columns on request. Only a template shows their headings. */
static int stats_print_rows(const GArray *rows, GError **error) {
    DistColumn columns[] = {
        {"id", _("ID"), DIST_CELL_TEXT},
        {"cpuUsec", _("CPU µs"), DIST_CELL_NUMBER},
        {"memory", _("MEMORY"), DIST_CELL_SIZE},
        {"tasks", _("TASKS"), DIST_CELL_NUMBER},
        {"read", _("READ"), DIST_CELL_SIZE},
        {"written", _("WRITTEN"), DIST_CELL_SIZE},
        {"received", _("RECEIVED"), DIST_CELL_SIZE},
        {"sent", _("SENT"), DIST_CELL_SIZE},
        {"container", _("CONTAINER"), DIST_CELL_TEXT},
        {"cpuPerc", "CPU %", DIST_CELL_TEXT},
        {"memUsage", "MEM USAGE / LIMIT", DIST_CELL_TEXT},
        {"memPerc", "MEM %", DIST_CELL_TEXT},
        {"netIO", "NET I/O", DIST_CELL_TEXT},
        {"blockIO", "BLOCK I/O", DIST_CELL_TEXT},
        {"pids", "PIDS", DIST_CELL_NUMBER},
        {NULL, NULL, DIST_CELL_TEXT},
    };
    for (size_t i = COLUMNS_WITHOUT_TEMPLATE; !dist_table_has_template() && columns[i].key; i++)
        columns[i].header = NULL;
    g_autoptr(DistTable) table = dist_table_new(columns);

    for (guint i = 0; i < rows->len; i++) {
        const StatsRow *row = &g_array_index(rows, StatsRow, i);
        const DistContainerUsage *of = &row->figures;
        uint64_t limit = find_memory_limit(row);
        bool knows_memory = row->known && of->memory > 0 && limit > 0;
        g_autofree char *cpu = format_percent(row->cpu >= 0, row->cpu);
        g_autofree char *memory = format_pair(row, of->memory, limit, true);
        g_autofree char *part =
            format_percent(knows_memory, knows_memory ? (double)of->memory / (double)limit : 0);
        g_autofree char *network = format_pair(row, of->received, of->sent, false);
        g_autofree char *disks = format_pair(row, of->read, of->written, false);
        int64_t tasks = get_number(row, of->tasks, true);
        dist_table_add(table, row->id, get_number(row, of->cpu_usec, true),
                       get_number(row, of->memory, true), tasks, get_number(row, of->read, false),
                       get_number(row, of->written, false), get_number(row, of->received, false),
                       get_number(row, of->sent, false), row->id, cpu, memory, part, network, disks,
                       tasks);
    }
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* With --all, a container that does not run has no figures. */
static bool stats_read(StatsRow *row, GError **error) {
    g_autoptr(GError) local = NULL;

    row->known = dist_container_read_usage(row->id, &row->figures, &local);
    if (row->known ||
        (given.all && g_error_matches(local, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION)))
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

/* The load since the first readings. The processor time is not known of a container that has been
 * started again meanwhile. */
static void stats_read_loads(GArray *rows) {
    g_usleep(SAMPLE_USEC);
    for (guint i = 0; i < rows->len; i++) {
        StatsRow *row = &g_array_index(rows, StatsRow, i);
        DistContainerUsage later;
        if (row->known && dist_container_read_usage(row->id, &later, NULL) && later.cpu_usec > 0 &&
            later.cpu_usec >= row->figures.cpu_usec && later.time_usec > row->figures.time_usec)
            row->cpu = (double)(later.cpu_usec - row->figures.cpu_usec) /
                       (double)(later.time_usec - row->figures.time_usec);
    }
}

/* The load takes a while to measure. */
static bool stats_show_load(void) {
    static const char *const words[] = {"json", "CPUPerc", "cpuPerc", "cpuperc"};
    bool shown = dist_settings.json != DIST_JSON_OFF;

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        shown = shown || dist_table_format_mentions(words[i]);
    return shown;
}

static int stats_print_once(char **ids, GError **error) {
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(StatsRow));

    for (char **id = ids; *id; id++) {
        StatsRow row = {.id = *id, .cpu = -1};
        if (!stats_read(&row, error))
            return EXIT_FAILURE;
        g_array_append_val(rows, row);
    }
    if (stats_show_load())
        stats_read_loads(rows);
    return stats_print_rows(rows, error);
}

/* The first reading gives no load: an interval takes two. */
static void history_add(ContainerHistory *history, const DistContainerUsage *figures,
                        uint64_t now) {
    bool is_first = history->at_usec == 0;
    /* After a restart the counter begins at 0 again. */
    uint64_t used =
        figures->cpu_usec >= history->cpu_usec ? figures->cpu_usec - history->cpu_usec : 0;

    history->cpu =
        is_first || now <= history->at_usec ? -1 : (double)used / (double)(now - history->at_usec);
    history->figures = *figures;
    history->cpu_usec = figures->cpu_usec;
    history->at_usec = now;
    history->is_current = true;
    if (history->cpu < 0)
        return;
    if (history->count == HISTORY)
        memmove(history->loads, history->loads + 1,
                sizeof history->loads - sizeof history->loads[0]);
    else
        history->count++;
    history->loads[history->count - 1] = history->cpu;
}

/* Bars from an eighth to full height, relative to the highest; no load is a low line. */
static char *format_history(const ContainerHistory *history) {
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    g_autoptr(GString) line = g_string_new(NULL);
    /* Below a hundredth of a processor, noise would look like load. */
    double highest = 0.01;

    for (guint i = 0; i < history->count; i++)
        highest = MAX(highest, history->loads[i]);
    for (guint i = 0; i < history->count; i++)
        g_string_append(line,
                        bars[(size_t)(history->loads[i] / highest * (G_N_ELEMENTS(bars) - 1))]);
    return g_string_free(g_steal_pointer(&line), FALSE);
}

static void layout_add_size(DistLayout *layout, uint64_t bytes) {
    g_autofree char *text = bytes == UINT64_MAX ? g_strdup("--") : dist_format_size(bytes);

    dist_layout_add_cell(layout, text, DIST_COLOR_NONE);
}

static void layout_add_history(DistLayout *layout, const ContainerHistory *history) {
    g_autofree char *cpu =
        history->cpu < 0 ? g_strdup("--") : g_strdup_printf("%.1f %%", history->cpu * 100);
    g_autofree char *graph = format_history(history);
    g_autofree char *tasks = history->figures.tasks > 0
                                 ? g_strdup_printf("%" G_GUINT64_FORMAT, history->figures.tasks)
                                 : g_strdup("--");

    dist_layout_add_cell(layout, history->id, DIST_COLOR_NONE);
    dist_layout_add_cell(layout, cpu, DIST_COLOR_NONE);
    dist_layout_add_cell(layout, graph, DIST_COLOR_NONE);
    if (history->figures.memory > 0)
        layout_add_size(layout, history->figures.memory);
    else
        dist_layout_add_cell(layout, "--", DIST_COLOR_NONE);
    dist_layout_add_cell(layout, tasks, DIST_COLOR_NONE);
    layout_add_size(layout, history->figures.read);
    layout_add_size(layout, history->figures.written);
    layout_add_size(layout, history->figures.received);
    layout_add_size(layout, history->figures.sent);
}

static ContainerHistory *find_history(GPtrArray *all, const char *id) {
    for (guint i = 0; i < all->len; i++)
        if (g_str_equal(((ContainerHistory *)all->pdata[i])->id, id))
            return all->pdata[i];
    ContainerHistory *history = g_new0(ContainerHistory, 1);
    history->id = g_strdup(id);
    history->cpu = -1;
    g_ptr_array_add(all, history);
    return history;
}

/* Leaves out a container that has exited or been deleted since the list was read. */
static void update_histories(GPtrArray *all, char **ids) {
    for (guint i = 0; i < all->len; i++)
        ((ContainerHistory *)all->pdata[i])->is_current = false;
    for (; *ids; ids++) {
        DistContainerUsage figures;
        if (dist_container_read_usage(*ids, &figures, NULL))
            history_add(find_history(all, *ids), &figures, (uint64_t)g_get_monotonic_time());
    }
}

/* Redraws the table from the top of the screen. It is drawn over the previous one, with one write:
 * if the screen were erased first, it would flicker. One column stays free, since "\033[K" after a
 * character in the last column erases that character. */
static void show_histories(const GPtrArray *all) {
    const char *const headers[] = {_("ID"),   _("CPU"),     _("LOAD"),     _("MEMORY"), _("TASKS"),
                                   _("READ"), _("WRITTEN"), _("RECEIVED"), _("SENT")};
    g_autoptr(DistLayout) layout = dist_layout_new(G_N_ELEMENTS(headers));

    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++)
        dist_layout_add_header(layout, headers[i]);
    for (guint i = 0; i < all->len; i++)
        if (((const ContainerHistory *)all->pdata[i])->is_current)
            layout_add_history(layout, all->pdata[i]);
    g_autofree char *table =
        dist_layout_format(layout, MAX(dist_screen_columns() - 1, 1), true, "\033[K\n");
    g_autofree char *drawing = g_strconcat("\033[H", table, "\033[J", NULL);
    (void)berth_fd_write_all(STDOUT_FILENO, drawing, strlen(drawing));
}

/* The list is read again each time, so that new containers appear. */
static int stats_follow(char **argv, GError **error) {
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(history_free);

    for (;;) {
        g_auto(GStrv) ids = list_ids(argv, error);
        if (!ids)
            return EXIT_FAILURE;
        update_histories(all, ids);
        show_histories(all);
        /* Ctrl-C ends dist here; the cursor is on the line below the table, where the shell
         * continues. */
        g_usleep((gulong)given.interval * G_USEC_PER_SEC);
    }
}

int dist_verb_stats(char **argv, GError **error) {
    bool is_live = !given.once && isatty(STDOUT_FILENO) && dist_settings.json == DIST_JSON_OFF &&
                   !dist_settings.quiet && !dist_table_has_format();

    if (given.interval < 1 || given.interval > MAX_INTERVAL) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("--interval takes 1 to %d seconds"),
                        MAX_INTERVAL);
        return EXIT_FAILURE;
    }
    g_auto(GStrv) ids = list_ids(argv, error);
    if (!ids)
        return EXIT_FAILURE;
    /* An unknown name is reported now instead of showing an empty table forever. */
    for (char **id = argv + 1; is_live && *id; id++) {
        g_autoptr(DistContainer) container = dist_container_get(*id, error);
        if (!container)
            return EXIT_FAILURE;
    }
    return is_live ? stats_follow(argv, error) : stats_print_once(ids, error);
}
