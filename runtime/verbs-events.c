/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The verb events: statistics of a container, once or repeatedly, in the form of runc's events.
 * Each line is a JSON object; the output ends when the container exits.
 */

#include "base/document-members.h"
#include "monitored.h"
#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    uint64_t memory, peak, memory_max, cpu, cpu_user, cpu_system, tasks, tasks_max, ooms;
} ContainerStats;

/* Unknown names are skipped: a newer service may have more. */
static int read_stats(sd_bus_message *reply, ContainerStats *stats) {
    const struct {
        const char *name;
        uint64_t *value;
    } known[] = {
        {"MemoryCurrent", &stats->memory}, {"MemoryPeak", &stats->peak},
        {"MemoryMax", &stats->memory_max}, {"CPUUsageUSec", &stats->cpu},
        {"CPUUserUSec", &stats->cpu_user}, {"CPUSystemUSec", &stats->cpu_system},
        {"TasksCurrent", &stats->tasks},   {"TasksMax", &stats->tasks_max},
        {"OOMKills", &stats->ooms},
    };
    const char *name;
    uint64_t value;
    int r = sd_bus_message_enter_container(reply, 'a', "{st}");

    while (r >= 0 && (r = sd_bus_message_read(reply, "{st}", &name, &value)) > 0)
        for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
            if (g_str_equal(known[i].name, name))
                *known[i].value = value;
    return r;
}

static json_object *event_new(const char *type, const char *id) {
    json_object *event = json_object_new_object();

    berth_document_add_string(event, "type", type);
    berth_document_add_string(event, "id", id);
    return event;
}

static void event_print(json_object *event) {
    g_autofree char *text = berth_document_print(event, false);

    puts(text);
    fflush(stdout);
}

/* Not berth_document_add_int(): a limit may be UINT64_MAX. */
static void stats_add_number(json_object *object, const char *member, uint64_t value) {
    json_object_object_add(object, member, json_object_new_uint64(value));
}

static void stats_add_cpu(json_object *data, const ContainerStats *stats) {
    json_object *cpu = berth_document_add_object(data, "cpu");
    json_object *usage = berth_document_add_object(cpu, "usage");

    stats_add_number(usage, "total", stats->cpu * 1000);
    stats_add_number(usage, "kernel", stats->cpu_system * 1000);
    stats_add_number(usage, "user", stats->cpu_user * 1000);
    berth_document_add_object(cpu, "throttling");
}

static void stats_add_memory(json_object *data, const ContainerStats *stats) {
    json_object *memory = berth_document_add_object(data, "memory");
    json_object *usage = berth_document_add_object(memory, "usage");
    json_object *swap = berth_document_add_object(memory, "swap");

    stats_add_number(usage, "limit", stats->memory_max);
    stats_add_number(usage, "usage", stats->memory);
    stats_add_number(usage, "max", stats->peak);
    stats_add_number(usage, "failcnt", 0);
    stats_add_number(swap, "limit", 0);
    stats_add_number(swap, "failcnt", 0);
}

static void print_stats(const char *id, const ContainerStats *stats) {
    g_autoptr(json_object) event = event_new("stats", id);
    json_object *data = berth_document_add_object(event, "data");

    stats_add_cpu(data, stats);
    stats_add_memory(data, stats);
    json_object *pids = berth_document_add_object(data, "pids");
    stats_add_number(pids, "current", stats->tasks);
    stats_add_number(pids, "limit", stats->tasks_max == UINT64_MAX ? 0 : stats->tasks_max);
    berth_document_add_object(data, "blkio");
    berth_document_add_object(data, "hugetlb");
    event_print(event);
}

/* "5s", "100ms", "1m", Go's format of durations; 0 for anything else. */
static uint64_t parse_interval_usec(const char *text) {
    static const struct {
        const char *unit;
        uint64_t usec;
    } units[] = {{"us", 1},
                 {"ms", 1000},
                 {"s", G_USEC_PER_SEC},
                 {"m", 60 * G_USEC_PER_SEC},
                 {"h", 3600 * (uint64_t)G_USEC_PER_SEC}};
    char *end;
    guint64 number = g_ascii_strtoull(text, &end, 10);

    for (size_t i = 0; i < G_N_ELEMENTS(units) && end != text && number <= 1000000; i++)
        if (g_str_equal(end, units[i].unit))
            return number * units[i].usec;
    return 0;
}

/* Returns false without error when the container has exited. */
static bool show_stats(sd_bus *bus, const RuntimeRecord *record, ContainerStats *stats,
                       GError **error) {
    g_autoptr(sd_bus_message) reply =
        runtime_call(bus, error, "Stats", "sa{sv}", record->berth_id, 0);
    uint64_t ooms = stats->ooms;

    if (!reply)
        return false;
    int r = read_stats(reply, stats);
    if (r < 0)
        return runtime_call_malformed(r, error);
    if (stats->ooms > ooms) {
        g_autoptr(json_object) event = event_new("oom", record->id);
        event_print(event);
    }
    print_stats(record->id, stats);
    return true;
}

int runtime_verb_events(RuntimeOptions *options, GError **error) {
    g_autoptr(RuntimeRecord) record =
        runtime_record_read(options->root, options->arguments[0], error);
    uint64_t interval = parse_interval_usec(options->interval ? options->interval : "5s");
    g_autoptr(GError) local = NULL;
    ContainerStats stats = {0};

    if (!record)
        return EXIT_FAILURE;
    if (interval == 0) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        "duration interval must be greater than 0");
        return EXIT_FAILURE;
    }
    g_autoptr(sd_bus) bus = runtime_bus_open(error);
    if (!bus || !show_stats(bus, record, &stats, error))
        return EXIT_FAILURE;
    while (!options->stats && !local) {
        g_usleep(interval);
        (void)show_stats(bus, record, &stats, &local);
    }
    /* The container has exited, which ends its events. */
    if (!local || g_error_matches(local, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION) ||
        g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND))
        return EXIT_SUCCESS;
    g_propagate_error(error, g_steal_pointer(&local));
    return EXIT_FAILURE;
}
