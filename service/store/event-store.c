/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table events. There is no object: each function is one statement, and the caller frees the
 * events that it gets. An event is added in the same transaction as the change that it reports
 * (container-store.c).
 */

#include "store/event-store.h"

#include "base/log.h"

/* The kernel counts time in nanoseconds as a 64-bit number (ktime_t), so no clock can reach this
 * many microseconds, nor can any number of events counted from the present. */
#define IMPOSSIBLE_SEQUENCE (INT64_MAX / 1000)

/* How many are kept, of all users together. */
enum { MAX_EVENTS = 20000, EVENTS_BETWEEN_TRIMS = 128 };

void berth_event_free(BerthEvent *event) {
    if (!event)
        return;
    g_free(event->kind);
    g_free(event->id);
    g_free(event->process);
    g_free(event);
}

/* Deletes the events beyond MAX_EVENTS, but only once every EVENTS_BETWEEN_TRIMS new ones, since it
 * reads all of them. They are the oldest of the user that has most, so that a user who causes many
 * loses own ones, and nobody else's. */
static bool trim_events(BerthDatabase *database, GError **error) {
    static unsigned added;

    return added++ % EVENTS_BETWEEN_TRIMS > 0 ||
           berth_database_run(
               database, error,
               "DELETE FROM events WHERE sequence IN (SELECT sequence FROM events WHERE owner ="
               "  (SELECT owner FROM events GROUP BY owner ORDER BY count(*) DESC LIMIT 1)"
               "  ORDER BY sequence LIMIT max(0, (SELECT count(*) FROM events) - ?1))",
               "i", (int64_t)MAX_EVENTS);
}

/* The sequence is the time in microseconds, or the last sequence plus one if the clock has not
 * advanced: consecutive numbers would reveal to each user how much happens in other users'
 * containers. */
bool berth_event_store_add(BerthDatabase *database, const BerthEvent *event, uint64_t *sequence,
                           GError **error) {
    int64_t now = g_get_real_time();
    bool has_status = g_str_equal(event->kind, "exit") || g_str_equal(event->kind, "delete");

    if (!berth_database_run(
            database, error,
            "INSERT INTO events (sequence, kind, id, process, pid, status, time, owner)"
            "  VALUES (max(?6, (SELECT coalesce(max(sequence), 0) + 1 FROM events)),"
            "  ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            "sssiiii", event->kind, event->id, event->process, (int64_t)event->pid,
            has_status ? (int64_t)event->status : (int64_t)0, now, (int64_t)event->owner))
        return false;
    *sequence = (uint64_t)berth_database_last_row(database);
    return trim_events(database, error);
}

/* After the highest number that SQLite can store, no event could be added and hence no container
 * started; and a client that continues from that number would never see another event. */
bool berth_event_store_repair(BerthDatabase *database, GError **error) {
    g_autoptr(BerthRows) rows =
        berth_database_query(database, error, "SELECT count(*) FROM events WHERE sequence >= ?1",
                             "i", (int64_t)IMPOSSIBLE_SEQUENCE);

    if (!rows || !berth_database_step(rows, error))
        return false;
    int64_t count = sqlite3_column_int64(rows, 0);
    g_clear_pointer(&rows, berth_rows_free);
    if (count == 0)
        return true;
    berth_log_warning(NULL, NULL,
                      "berth.db has %" G_GINT64_FORMAT
                      " events whose sequence number is impossible; they are deleted",
                      count);
    return berth_database_run(database, error, "DELETE FROM events WHERE sequence >= ?1", "i",
                              (int64_t)IMPOSSIBLE_SEQUENCE);
}

static gpointer read_event(BerthDatabase *database, sqlite3_stmt *rows) {
    BerthEvent *event = g_new0(BerthEvent, 1);

    (void)database;
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

GPtrArray *berth_event_store_list_since(BerthDatabase *database, uint64_t sequence, unsigned limit,
                                        GError **error) {
    return berth_database_list(
        database,
        berth_database_query(database, error,
                             EVENT_COLUMNS "WHERE sequence > ?1 ORDER BY sequence LIMIT ?2", "ii",
                             (int64_t)MIN(sequence, (uint64_t)INT64_MAX), (int64_t)limit),
        read_event, free_event, error);
}

BerthEvent *berth_event_store_get(BerthDatabase *database, uint64_t sequence) {
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL, EVENT_COLUMNS "WHERE sequence = ?1", "i", (int64_t)sequence);

    return rows && berth_database_step(rows, NULL) ? read_event(database, rows) : NULL;
}
