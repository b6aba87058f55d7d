/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tables containers and processes. There is no object: each function is one statement or one
 * transaction on the database, and the caller frees the records that it gets.
 *
 * A change of a container or a process is written in one transaction with the event that reports
 * it, so that neither is on disk without the other. Starts, exits and recovery (containers/core/)
 * rely on that.
 */

#include "store/container-store.h"

#include "base/limits.h"

#include <string.h>

static bool add_event(BerthDatabase *database, const BerthContainerRecord *record, const char *kind,
                      uint64_t *sequence, GError **error) {
    const BerthEvent event = {
        .kind = (char *)kind,
        .id = record->id,
        .process = (char *)"",
        .pid = record->first.pid,
        .owner = record->owner,
        .status = record->first.status,
    };

    return berth_event_store_add(database, &event, sequence, error);
}

bool berth_container_store_add_event(BerthDatabase *database, const BerthContainerRecord *record,
                                     const char *kind, uint64_t *sequence, GError **error) {
    return add_event(database, record, kind, sequence, error);
}

/* Labels are written only when the container is in the state created; later changes of the state
 * leave them as they are. */
static bool write_row(BerthDatabase *database, const BerthContainerRecord *record, GError **error) {
    g_autofree char *options = berth_container_record_format_options(record);

    return berth_database_run(database, error,
                              "INSERT OR REPLACE INTO containers (id, image, owner, state, created,"
                              "  started, exited, pid, pid_start, boot, status, options, chain_id)"
                              "  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                              "ssisiiiiisiss", record->id, record->image, (int64_t)record->owner,
                              berth_container_state_get_name(record->state),
                              (int64_t)record->created_usec, (int64_t)record->first.started_usec,
                              (int64_t)record->first.exited_usec, (int64_t)record->first.pid,
                              (int64_t)record->first.pid_start, record->first.boot,
                              (int64_t)record->first.status, options, record->chain_id) &&
           (record->state != BERTH_CONTAINER_CREATED ||
            berth_database_set_labels(database, "container", record->id, record->labels, error));
}

/* kind is that of the event that reports the change; NULL for a change that clients do not see. On
 * failure neither is on disk, and *sequence is not set. */
bool berth_container_store_put(BerthDatabase *database, const BerthContainerRecord *record,
                               const char *kind, uint64_t *sequence, GError **error) {
    if (!berth_database_begin(database, error))
        return false;
    bool done = write_row(database, record, error) &&
                (!kind || add_event(database, record, kind, sequence, error));
    return berth_database_end(database, done, done ? error : NULL) && done;
}

/* Past events keep the ID: a client that reads them later still learns how the container ended. */
bool berth_container_store_delete(BerthDatabase *database, const BerthContainerRecord *record,
                                  uint64_t *sequence, GError **error) {
    if (!berth_database_begin(database, error))
        return false;
    bool done = berth_database_run(database, error, "DELETE FROM containers WHERE id = ?1", "s",
                                   record->id) &&
                berth_database_run(database, error, "DELETE FROM processes WHERE container = ?1",
                                   "s", record->id) &&
                berth_database_set_labels(database, "container", record->id, NULL, error) &&
                add_event(database, record, "delete", sequence, error);
    return berth_database_end(database, done, done ? error : NULL) && done;
}

bool berth_container_store_put_process(BerthDatabase *database, const BerthProcessRecord *process,
                                       uint32_t owner, const char *kind, uint64_t *sequence,
                                       GError **error) {
    const BerthEvent event = {
        .kind = (char *)kind,
        .id = process->container,
        .process = process->id,
        .pid = process->pid,
        .owner = owner,
        .status = process->status,
    };

    if (!berth_database_begin(database, error))
        return false;
    bool done =
        berth_database_run(database, error,
                           "INSERT OR REPLACE INTO processes (container, id, command, pid,"
                           "  pid_start, boot, running, started, exited, status)"
                           "  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                           "sssiisiiii", process->container, process->id, process->command,
                           (int64_t)process->pid, (int64_t)process->pid_start, process->boot,
                           (int64_t)process->running, (int64_t)process->started_usec,
                           (int64_t)process->exited_usec, (int64_t)process->status) &&
        berth_event_store_add(database, &event, sequence, error);
    return berth_database_end(database, done, done ? error : NULL) && done;
}

bool berth_container_store_delete_process(BerthDatabase *database, const char *container,
                                          const char *id, GError **error) {
    return berth_database_run(database, error,
                              "DELETE FROM processes WHERE container = ?1 AND id = ?2", "ss",
                              container, id);
}

static void free_process(gpointer data) {
    berth_process_record_free(data);
}

/* Reads text that comes from a client. It is passed on to systemd, the journal and the bus, and an
 * earlier version may have stored a longer one. Truncation may split a character, which
 * g_utf8_make_valid() then replaces. */
static char *read_short(sqlite3_stmt *rows, int i) {
    const char *text = berth_database_text(rows, i);

    return g_utf8_make_valid(text, (gssize)strnlen(text, BERTH_MAX_TEXT_BYTES));
}

static gpointer read_process(BerthDatabase *database, sqlite3_stmt *rows) {
    BerthProcessRecord *process = g_new0(BerthProcessRecord, 1);

    (void)database;
    *process = (BerthProcessRecord){
        .container = g_strdup(berth_database_text(rows, 0)),
        .id = g_strdup(berth_database_text(rows, 1)),
        .command = read_short(rows, 2),
        .pid = (uint32_t)sqlite3_column_int64(rows, 3),
        .pid_start = (uint64_t)sqlite3_column_int64(rows, 4),
        .boot = g_strdup(berth_database_text(rows, 5)),
        .running = sqlite3_column_int(rows, 6) != 0,
        .started_usec = (uint64_t)sqlite3_column_int64(rows, 7),
        .exited_usec = (uint64_t)sqlite3_column_int64(rows, 8),
        .status = sqlite3_column_int(rows, 9),
    };
    return process;
}

GPtrArray *berth_container_store_list_processes(BerthDatabase *database, GError **error) {
    sqlite3_stmt *rows = berth_database_query(
        database, error,
        "SELECT container, id, command, pid, pid_start, boot, running, started, exited, status"
        "  FROM processes ORDER BY started",
        "");

    return berth_database_list(database, rows, read_process, free_process, error);
}

/* The row is deleted and inserted under the new ID; processes and labels follow. Two events are
 * recorded, since a client that watches the old ID must learn that it no longer exists. */
bool berth_container_store_rename(BerthDatabase *database, const BerthContainerRecord *record,
                                  const char *id, uint64_t *deleted, uint64_t *created,
                                  GError **error) {
    BerthContainerRecord renamed = *record;

    renamed.id = (char *)id;
    if (!berth_database_begin(database, error))
        return false;
    bool done = berth_database_run(database, error, "DELETE FROM containers WHERE id = ?1", "s",
                                   record->id) &&
                write_row(database, &renamed, error) &&
                berth_database_set_labels(database, "container", record->id, NULL, error) &&
                berth_database_set_labels(database, "container", id, record->labels, error) &&
                berth_database_run(database, error,
                                   "UPDATE processes SET container = ?2 WHERE container = ?1", "ss",
                                   record->id, id) &&
                add_event(database, record, "delete", deleted, error) &&
                add_event(database, &renamed, "create", created, error);
    return berth_database_end(database, done, done ? error : NULL) && done;
}

static void free_record(gpointer data) {
    berth_container_record_clear(data);
    g_free(data);
}

static gpointer read_container_record(BerthDatabase *database, sqlite3_stmt *rows) {
    BerthContainerRecord *record = g_new0(BerthContainerRecord, 1);

    *record = (BerthContainerRecord){
        .id = g_strdup(berth_database_text(rows, 0)),
        .image = read_short(rows, 1),
        .owner = (uint32_t)sqlite3_column_int64(rows, 2),
        .state = berth_container_state_parse(berth_database_text(rows, 3)),
        .created_usec = (uint64_t)sqlite3_column_int64(rows, 4),
        .first =
            {
                .container = g_strdup(berth_database_text(rows, 0)),
                .id = g_strdup(""),
                .started_usec = (uint64_t)sqlite3_column_int64(rows, 5),
                .exited_usec = (uint64_t)sqlite3_column_int64(rows, 6),
                .pid = (uint32_t)sqlite3_column_int64(rows, 7),
                .pid_start = (uint64_t)sqlite3_column_int64(rows, 8),
                .boot = g_strdup(berth_database_text(rows, 9)),
                .status = sqlite3_column_int(rows, 10),
            },
        .chain_id = g_strdup(berth_database_text(rows, 12)),
    };
    record->first.running =
        record->state == BERTH_CONTAINER_RUNNING || record->state == BERTH_CONTAINER_PAUSED;
    berth_container_record_parse_options(record, berth_database_text(rows, 11));
    record->labels = berth_database_get_labels(database, "container", record->id);
    return record;
}

GPtrArray *berth_container_store_list(BerthDatabase *database, GError **error) {
    sqlite3_stmt *rows = berth_database_query(
        database, error,
        "SELECT id, image, owner, state, created, started, exited, pid, pid_start, boot, status,"
        "  options, chain_id FROM containers ORDER BY created",
        "");

    return berth_database_list(database, rows, read_container_record, free_record, error);
}
