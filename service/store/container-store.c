/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/container-store.h"

#include <string.h>

/* Old events go once there are this many newer ones. */
enum { MAX_EVENTS = 20000 };

static const char *const state_names[] = {
    [BERTH_CONTAINER_CREATED] = "created",
    [BERTH_CONTAINER_RUNNING] = "running",
    [BERTH_CONTAINER_PAUSED] = "paused",
    [BERTH_CONTAINER_STOPPED] = "stopped",
};

const char *berth_container_state_get_name(BerthContainerState state) {
    return state_names[state];
}

static BerthContainerState parse_state(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(state_names); i++)
        if (g_str_equal(state_names[i], name))
            return i;
    return BERTH_CONTAINER_STOPPED;
}

void berth_container_record_clear(BerthContainerRecord *record) {
    g_clear_pointer(&record->id, g_free);
    g_clear_pointer(&record->image, g_free);
    g_clear_pointer(&record->boot, g_free);
    g_clear_pointer(&record->slice, g_free);
    g_clear_pointer(&record->chain_id, g_free);
    g_clear_pointer(&record->labels, g_strfreev);
}

void berth_event_free(BerthEvent *event) {
    if (!event)
        return;
    g_free(event->kind);
    g_free(event->id);
    g_free(event->process);
    g_free(event);
}

static bool add_event(BerthDatabase *database, const BerthContainerRecord *record, const char *kind,
                      uint64_t *sequence, GError **error) {
    int64_t now = g_get_real_time();
    bool has_status = g_str_equal(kind, "exit") || g_str_equal(kind, "delete");

    if (!berth_database_run(database, error,
                            "INSERT INTO events (kind, id, process, pid, status, time, owner)"
                            "  VALUES (?1, ?2, '', ?3, ?4, ?5, ?6)",
                            "ssiiii", kind, record->id, (int64_t)record->pid,
                            has_status ? (int64_t)record->status : (int64_t)0, now,
                            (int64_t)record->owner))
        return false;
    *sequence = (uint64_t)berth_database_last_row(database);
    return berth_database_run(database, error, "DELETE FROM events WHERE sequence <= ?1", "i",
                              (int64_t)*sequence - MAX_EVENTS);
}

/* What Create was told: one column, since nothing is ever searched by it. */
static char *format_options(const BerthContainerRecord *record) {
    g_autoptr(GVariant) options = g_variant_ref_sink(
        g_variant_new("(sitbtttt)", record->slice, record->stop_signal, record->stop_timeout_usec,
                      (gboolean)record->auto_remove, record->memory_max, record->tasks_max,
                      record->cpu_quota_usec, record->cpu_weight));

    return g_variant_print(options, FALSE);
}

static void parse_options(BerthContainerRecord *record, const char *text) {
    gboolean auto_remove = FALSE;
    g_autoptr(GVariant) options =
        g_variant_parse(G_VARIANT_TYPE("(sitbtttt)"), text, NULL, NULL, NULL);

    if (options)
        g_variant_get(options, "(sitbtttt)", &record->slice, &record->stop_signal,
                      &record->stop_timeout_usec, &auto_remove, &record->memory_max,
                      &record->tasks_max, &record->cpu_quota_usec, &record->cpu_weight);
    else
        record->slice = g_strdup("berth.slice");
    record->auto_remove = auto_remove;
}

static bool write_row(BerthDatabase *database, const BerthContainerRecord *record, GError **error) {
    g_autofree char *options = format_options(record);

    return berth_database_run(database, error,
                              "INSERT OR REPLACE INTO containers (id, image, owner, state, created,"
                              "  started, exited, pid, pid_start, boot, status, options, chain_id)"
                              "  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                              "ssisiiiiisiss", record->id, record->image, (int64_t)record->owner,
                              state_names[record->state], (int64_t)record->created_usec,
                              (int64_t)record->started_usec, (int64_t)record->exited_usec,
                              (int64_t)record->pid, (int64_t)record->pid_start, record->boot,
                              (int64_t)record->status, options, record->chain_id) &&
           (record->state != BERTH_CONTAINER_CREATED ||
            berth_database_set_labels(database, "container", record->id, record->labels, error));
}

bool berth_container_store_put(BerthDatabase *database, const BerthContainerRecord *record,
                               const char *kind, uint64_t *sequence, GError **error) {
    if (!berth_database_begin(database, error))
        return false;
    bool done = write_row(database, record, error) &&
                (!kind || add_event(database, record, kind, sequence, error));
    return berth_database_end(database, done, done ? error : NULL) && done;
}

bool berth_container_store_delete(BerthDatabase *database, const BerthContainerRecord *record,
                                  uint64_t *sequence, GError **error) {
    if (!berth_database_begin(database, error))
        return false;
    bool done = berth_database_run(database, error, "DELETE FROM containers WHERE id = ?1", "s",
                                   record->id) &&
                berth_database_set_labels(database, "container", record->id, NULL, error) &&
                add_event(database, record, "delete", sequence, error);
    return berth_database_end(database, done, done ? error : NULL) && done;
}

static void free_record(gpointer data) {
    berth_container_record_clear(data);
    g_free(data);
}

GPtrArray *berth_container_store_list(BerthDatabase *database, GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_record);
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthRows) rows = berth_database_query(
        database, &local,
        "SELECT id, image, owner, state, created, started, exited, pid, pid_start, boot, status,"
        "  options, chain_id FROM containers ORDER BY created",
        "");

    while (!local && berth_database_step(rows, &local)) {
        BerthContainerRecord *record = g_new0(BerthContainerRecord, 1);
        *record = (BerthContainerRecord){
            .id = g_strdup(berth_database_text(rows, 0)),
            .image = g_strdup(berth_database_text(rows, 1)),
            .owner = (uint32_t)sqlite3_column_int64(rows, 2),
            .state = parse_state(berth_database_text(rows, 3)),
            .created_usec = (uint64_t)sqlite3_column_int64(rows, 4),
            .started_usec = (uint64_t)sqlite3_column_int64(rows, 5),
            .exited_usec = (uint64_t)sqlite3_column_int64(rows, 6),
            .pid = (uint32_t)sqlite3_column_int64(rows, 7),
            .pid_start = (uint64_t)sqlite3_column_int64(rows, 8),
            .boot = g_strdup(berth_database_text(rows, 9)),
            .status = sqlite3_column_int(rows, 10),
            .chain_id = g_strdup(berth_database_text(rows, 12)),
        };
        parse_options(record, berth_database_text(rows, 11));
        record->labels = berth_database_get_labels(database, "container", record->id);
        g_ptr_array_add(list, record);
    }
    if (!local)
        return g_steal_pointer(&list);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

static BerthEvent *read_event(sqlite3_stmt *rows) {
    BerthEvent *event = g_new0(BerthEvent, 1);

    *event = (BerthEvent){
        .sequence = (uint64_t)sqlite3_column_int64(rows, 0),
        .kind = g_strdup(berth_database_text(rows, 1)),
        .id = g_strdup(berth_database_text(rows, 2)),
        .process = g_strdup(berth_database_text(rows, 3)),
        .pid = (uint32_t)sqlite3_column_int64(rows, 4),
        .status = sqlite3_column_int(rows, 5),
        .time_usec = (uint64_t)sqlite3_column_int64(rows, 6),
        .owner = (uint32_t)sqlite3_column_int64(rows, 7),
    };
    return event;
}

#define EVENT_COLUMNS "SELECT sequence, kind, id, process, pid, status, time, owner FROM events "

static void free_event(gpointer data) {
    berth_event_free(data);
}

GPtrArray *berth_container_store_events_since(BerthDatabase *database, uint64_t sequence,
                                              unsigned limit, GError **error) {
    g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func(free_event);
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthRows) rows = berth_database_query(
        database, &local, EVENT_COLUMNS "WHERE sequence > ?1 ORDER BY sequence LIMIT ?2", "ii",
        (int64_t)MIN(sequence, (uint64_t)INT64_MAX), (int64_t)limit);

    while (!local && berth_database_step(rows, &local))
        g_ptr_array_add(events, read_event(rows));
    if (!local)
        return g_steal_pointer(&events);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

BerthEvent *berth_container_store_get_event(BerthDatabase *database, uint64_t sequence) {
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL, EVENT_COLUMNS "WHERE sequence = ?1", "i", (int64_t)sequence);

    return rows && berth_database_step(rows, NULL) ? read_event(rows) : NULL;
}
