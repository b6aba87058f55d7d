/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tables containers, processes, events and volumes. There is no object: each function is one
 * statement or one transaction on the database, and the caller frees the records that it gets.
 *
 * A change of a container or a process is written in one transaction with the event that reports
 * it, so that neither is on disk without the other. Starts, exits and recovery (containers/core/)
 * rely on that.
 */

#include "store/container-store.h"

#include "base/limits.h"

#include <string.h>

/* Older events are deleted once there are this many newer ones. */
enum { MAX_EVENTS = 20000, EVENTS_BETWEEN_TRIMS = 128 };

static const char *const state_names[] = {
    [BERTH_CONTAINER_CREATED] = "created",
    [BERTH_CONTAINER_RUNNING] = "running",
    [BERTH_CONTAINER_PAUSED] = "paused",
    [BERTH_CONTAINER_STOPPED] = "stopped",
};

const char *berth_container_state_get_name(BerthContainerState state) {
    return state_names[state];
}

static const char *const restart_names[] = {
    [BERTH_RESTART_NO] = "no",
    [BERTH_RESTART_ON_FAILURE] = "on-failure",
    [BERTH_RESTART_ALWAYS] = "always",
};

const char *berth_restart_policy_get_name(BerthRestartPolicy policy) {
    return restart_names[policy];
}

bool berth_restart_policy_parse(const char *name, BerthRestartPolicy *policy) {
    for (size_t i = 0; i < G_N_ELEMENTS(restart_names); i++)
        if (g_str_equal(restart_names[i], name)) {
            *policy = i;
            return true;
        }
    return false;
}

static BerthContainerState parse_state(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(state_names); i++)
        if (g_str_equal(state_names[i], name))
            return i;
    return BERTH_CONTAINER_STOPPED;
}

static void clear_process(BerthProcessRecord *process) {
    g_clear_pointer(&process->container, g_free);
    g_clear_pointer(&process->id, g_free);
    g_clear_pointer(&process->command, g_free);
    g_clear_pointer(&process->boot, g_free);
}

void berth_container_record_clear(BerthContainerRecord *record) {
    g_clear_pointer(&record->id, g_free);
    g_clear_pointer(&record->image, g_free);
    clear_process(&record->first);
    g_clear_pointer(&record->slice, g_free);
    g_clear_pointer(&record->chain_id, g_free);
    g_clear_pointer(&record->labels, g_strfreev);
    g_clear_pointer(&record->network, g_free);
    g_clear_pointer(&record->root, g_free);
    g_clear_pointer(&record->properties, g_variant_unref);
    g_clear_pointer(&record->extra, g_variant_unref);
}

GVariant *berth_container_record_get_extra(const BerthContainerRecord *record, const char *key,
                                           const GVariantType *type) {
    return record->extra ? g_variant_lookup_value(record->extra, key, type) : NULL;
}

void berth_container_record_set_extra(BerthContainerRecord *record, const char *key,
                                      GVariant *value) {
    g_auto(GVariantDict) extra = G_VARIANT_DICT_INIT(record->extra);

    if (value)
        g_variant_dict_insert_value(&extra, key, value);
    else
        g_variant_dict_remove(&extra, key);
    g_clear_pointer(&record->extra, g_variant_unref);
    record->extra = g_variant_ref_sink(g_variant_dict_end(&extra));
}

void berth_process_record_free(BerthProcessRecord *process) {
    if (!process)
        return;
    clear_process(process);
    g_free(process);
}

void berth_event_free(BerthEvent *event) {
    if (!event)
        return;
    g_free(event->kind);
    g_free(event->id);
    g_free(event->process);
    g_free(event);
}

/* Deletes the events beyond MAX_EVENTS, but only once for EVENTS_BETWEEN_TRIMS new ones: finding
 * the oldest event to keep means reading all newer ones. */
static bool trim_events(BerthDatabase *database, GError **error) {
    static unsigned added;

    return added++ % EVENTS_BETWEEN_TRIMS > 0 ||
           berth_database_run(database, error,
                              "DELETE FROM events WHERE sequence <= (SELECT sequence FROM events"
                              "  ORDER BY sequence DESC LIMIT 1 OFFSET ?1)",
                              "i", (int64_t)MAX_EVENTS);
}

/* The sequence is the time in microseconds, or the last sequence plus one if the clock has not
 * advanced: consecutive numbers would reveal to each user how much happens in the containers of
 * others. */
static bool write_event(BerthDatabase *database, const BerthEvent *event, uint64_t *sequence,
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

    return write_event(database, &event, sequence, error);
}

bool berth_container_store_add_event(BerthDatabase *database, const BerthContainerRecord *record,
                                     const char *kind, uint64_t *sequence, GError **error) {
    return add_event(database, record, kind, sequence, error);
}

/* The options of Create, in one column since no query searches by them. A member that is missing
 * has its default, so that a later version of Berth can add members. */
static char *format_options(const BerthContainerRecord *record) {
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);

    g_variant_dict_insert(&options, "Slice", "s", record->slice);
    g_variant_dict_insert(&options, "StopSignal", "i", record->stop_signal);
    g_variant_dict_insert(&options, "StopTimeoutUSec", "t", record->stop_timeout_usec);
    g_variant_dict_insert(&options, "AutoRemove", "b", (gboolean)record->auto_remove);
    g_variant_dict_insert(&options, "Autostart", "b", (gboolean)record->autostart);
    g_variant_dict_insert(&options, "Terminal", "b", (gboolean)record->terminal);
    g_variant_dict_insert(&options, "Systemd", "b", (gboolean)record->systemd);
    g_variant_dict_insert(&options, "Poststop", "b", (gboolean)record->poststop);
    g_variant_dict_insert(&options, "Restart", "s", berth_restart_policy_get_name(record->restart));
    g_variant_dict_insert(&options, "Wanted", "b", (gboolean)record->wanted);
    g_variant_dict_insert(&options, "Ids", "u", record->ids);
    g_variant_dict_insert(&options, "Network", "s", record->network ? record->network : "none");
    g_variant_dict_insert(&options, "Root", "s", record->root ? record->root : "");
    if (record->properties)
        g_variant_dict_insert_value(&options, "Properties", record->properties);
    if (record->extra)
        g_variant_dict_insert_value(&options, "Extra", record->extra);
    g_autoptr(GVariant) value = g_variant_ref_sink(g_variant_dict_end(&options));
    return g_variant_print(value, TRUE);
}

/* The form of the first versions: slice, stop signal, stop time-out, AutoRemove, and four resource
 * limits (0: none). */
static bool parse_old_options(BerthContainerRecord *record, const char *text) {
    static const char *const names[] = {"MemoryMax", "TasksMax", "CPUQuotaPerSecUSec", "CPUWeight"};
    g_autoptr(GVariant) options =
        g_variant_parse(G_VARIANT_TYPE("(sitbtttt)"), text, NULL, NULL, NULL);
    g_auto(GVariantDict) properties = G_VARIANT_DICT_INIT(NULL);
    gboolean auto_remove = FALSE;
    guint64 limits[G_N_ELEMENTS(names)];

    if (!options)
        return false;
    g_variant_get(options, "(sitbtttt)", &record->slice, &record->stop_signal,
                  &record->stop_timeout_usec, &auto_remove, &limits[0], &limits[1], &limits[2],
                  &limits[3]);
    record->auto_remove = auto_remove;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (limits[i] > 0)
            g_variant_dict_insert(&properties, names[i], "t", limits[i]);
    record->properties = g_variant_ref_sink(g_variant_dict_end(&properties));
    return true;
}

static bool look_up_bool(GVariantDict *options, const char *key) {
    gboolean value = FALSE;

    g_variant_dict_lookup(options, key, "b", &value);
    return value;
}

static char *look_up_string(GVariantDict *options, const char *key, const char *otherwise) {
    char *value = NULL;

    return g_variant_dict_lookup(options, key, "s", &value) ? value : g_strdup(otherwise);
}

/* Never fails: a text that cannot be parsed leaves every option at its default, so that the
 * container is still listed and can be deleted. */
static void parse_options(BerthContainerRecord *record, const char *text) {
    g_autoptr(GVariant) value = g_variant_parse(G_VARIANT_TYPE_VARDICT, text, NULL, NULL, NULL);

    if (!value && parse_old_options(record, text))
        value = g_variant_ref_sink(g_variant_new("a{sv}", NULL));
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(value);
    if (!record->slice) {
        record->slice = look_up_string(&options, "Slice", "berth.slice");
        g_variant_dict_lookup(&options, "StopSignal", "i", &record->stop_signal);
        g_variant_dict_lookup(&options, "StopTimeoutUSec", "t", &record->stop_timeout_usec);
        record->auto_remove = look_up_bool(&options, "AutoRemove");
        record->properties =
            g_variant_dict_lookup_value(&options, "Properties", G_VARIANT_TYPE_VARDICT);
    }
    record->autostart = look_up_bool(&options, "Autostart");
    record->terminal = look_up_bool(&options, "Terminal");
    record->systemd = look_up_bool(&options, "Systemd");
    record->poststop = look_up_bool(&options, "Poststop");
    record->wanted = look_up_bool(&options, "Wanted");
    g_autofree char *restart = look_up_string(&options, "Restart", "no");
    (void)berth_restart_policy_parse(restart, &record->restart);
    record->network = look_up_string(&options, "Network", "none");
    record->root = look_up_string(&options, "Root", "");
    g_variant_dict_lookup(&options, "Ids", "u", &record->ids);
    record->extra = g_variant_dict_lookup_value(&options, "Extra", G_VARIANT_TYPE_VARDICT);
}

/* Labels are written while the container is only created; later changes of state leave them as they
 * are. */
static bool write_row(BerthDatabase *database, const BerthContainerRecord *record, GError **error) {
    g_autofree char *options = format_options(record);

    return berth_database_run(database, error,
                              "INSERT OR REPLACE INTO containers (id, image, owner, state, created,"
                              "  started, exited, pid, pid_start, boot, status, options, chain_id)"
                              "  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                              "ssisiiiiisiss", record->id, record->image, (int64_t)record->owner,
                              state_names[record->state], (int64_t)record->created_usec,
                              (int64_t)record->first.started_usec,
                              (int64_t)record->first.exited_usec, (int64_t)record->first.pid,
                              (int64_t)record->first.pid_start, record->first.boot,
                              (int64_t)record->first.status, options, record->chain_id) &&
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
        write_event(database, &event, sequence, error);
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

/* Text of a client. It goes on to systemd, the journal and the bus, and an earlier version may have
 * stored a longer one. A cut at a byte may split a character, which g_utf8_make_valid replaces. */
static char *read_short(sqlite3_stmt *rows, int i) {
    const char *text = berth_database_text(rows, i);

    return g_utf8_make_valid(text, (gssize)strnlen(text, BERTH_MAX_TEXT_BYTES));
}

GPtrArray *berth_container_store_list_processes(BerthDatabase *database, GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_process);
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthRows) rows = berth_database_query(
        database, &local,
        "SELECT container, id, command, pid, pid_start, boot, running, started, exited, status"
        "  FROM processes ORDER BY started",
        "");

    while (!local && berth_database_step(rows, &local)) {
        BerthProcessRecord *process = g_new0(BerthProcessRecord, 1);
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
        g_ptr_array_add(list, process);
    }
    if (!local)
        return g_steal_pointer(&list);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

/* The row is deleted and inserted under the new id; processes and labels follow. Two events, since
 * a client that watches the old id must learn that it is gone. */
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
            .image = read_short(rows, 1),
            .owner = (uint32_t)sqlite3_column_int64(rows, 2),
            .state = parse_state(berth_database_text(rows, 3)),
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

void berth_volume_free(gpointer data) {
    BerthVolume *volume = data;

    if (!volume)
        return;
    g_free(volume->name);
    g_free(volume);
}

GPtrArray *berth_container_store_list_volumes(BerthDatabase *database, GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(berth_volume_free);
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthRows) rows = berth_database_query(
        database, &local, "SELECT name, owner, created FROM volumes ORDER BY name", "");

    while (!local && berth_database_step(rows, &local)) {
        BerthVolume *volume = g_new0(BerthVolume, 1);
        volume->name = g_strdup(berth_database_text(rows, 0));
        volume->owner = (uint32_t)sqlite3_column_int64(rows, 1);
        volume->created_usec = (uint64_t)sqlite3_column_int64(rows, 2);
        g_ptr_array_add(list, volume);
    }
    if (!local)
        return g_steal_pointer(&list);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

bool berth_container_store_add_volume(BerthDatabase *database, const char *name, uint32_t owner,
                                      GError **error) {
    return berth_database_run(database, error,
                              "INSERT INTO volumes (name, owner, created) VALUES (?1, ?2, ?3)",
                              "sii", name, (int64_t)owner, (int64_t)g_get_real_time());
}

bool berth_container_store_remove_volume(BerthDatabase *database, const char *name,
                                         GError **error) {
    return berth_database_run(database, error, "DELETE FROM volumes WHERE name = ?1", "s", name);
}
