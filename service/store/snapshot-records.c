/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Queries on the table of snapshots, without state: the snapshot store decides when a row is added
 * and removed, so that a row always refers to a directory that exists.
 */

#include "store/snapshot-records.h"

#include "base/limits.h"

bool berth_snapshot_records_have(BerthDatabase *database, const char *chain_id) {
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL, "SELECT 1 FROM snapshots WHERE chain_id = ?1", "s", chain_id);

    return rows && berth_database_step(rows, NULL);
}

bool berth_snapshot_records_add(BerthDatabase *database, const BerthSnapshotRecord *record,
                                GError **error) {
    return berth_database_run(database, error, "INSERT INTO snapshots VALUES (?1, ?2, ?3, ?4, ?5)",
                              "ssiis", record->chain_id, record->parent ? record->parent : "",
                              (int64_t)record->size, g_get_real_time(), record->boot);
}

bool berth_snapshot_records_remove(BerthDatabase *database, const char *chain_id, GError **error) {
    g_autoptr(BerthRows) rows = berth_database_query(
        database, error, "SELECT chain_id FROM snapshots WHERE parent = ?1", "s", chain_id);

    if (!rows)
        return false;
    if (berth_database_step(rows, NULL))
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "the snapshot %s is based on %s", berth_database_text(rows, 0),
                               chain_id);
    return berth_snapshot_records_forget(database, chain_id, error);
}

bool berth_snapshot_records_forget(BerthDatabase *database, const char *chain_id, GError **error) {
    return berth_database_run(database, error, "DELETE FROM snapshots WHERE chain_id = ?1", "s",
                              chain_id);
}

GPtrArray *berth_snapshot_records_list(BerthDatabase *database, GError **error) {
    return berth_database_list(
        database, berth_database_query(database, error, "SELECT chain_id FROM snapshots", ""),
        berth_database_read_text, g_free, error);
}

char **berth_snapshot_records_list_chain(BerthDatabase *database, const char *chain_id,
                                         GError **error) {
    g_autoptr(GPtrArray) chain = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthRows) rows = berth_database_query(
        database, &local,
        "WITH RECURSIVE chain (id, parent, depth) AS (SELECT chain_id, parent, 0 FROM snapshots"
        "  WHERE chain_id = ?1 UNION ALL SELECT chain_id, snapshots.parent, depth + 1 FROM "
        "snapshots"
        "  JOIN chain ON chain_id = chain.parent WHERE chain.parent != '' AND depth < ?2)"
        "SELECT id, parent FROM chain ORDER BY depth",
        "si", chain_id, (int64_t)BERTH_MAX_LAYERS);
    /* The parent named by the last row: a missing snapshot, or "" if that row is the lowest
     * layer. */
    g_autofree char *next = g_strdup(chain_id);

    while (!local && berth_database_step(rows, &local)) {
        g_ptr_array_add(chain, g_strdup(berth_database_text(rows, 0)));
        g_free(next);
        next = g_strdup(berth_database_text(rows, 1));
    }
    if (!local && next[0])
        berth_error_set(&local, BERTH_ERROR_NOT_FOUND,
                        "the snapshot %s is not here; unpack the image", next);
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    g_ptr_array_set_free_func(chain, NULL);
    g_ptr_array_add(chain, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&chain), FALSE);
}

bool berth_snapshot_records_sum(BerthDatabase *database, uint64_t *bytes, GError **error) {
    g_autoptr(BerthRows) rows =
        berth_database_query(database, error, "SELECT total(size) FROM snapshots", "");

    if (!rows || !berth_database_step(rows, error))
        return false;
    *bytes = berth_database_size(rows, 0);
    return true;
}

/* The files of these may not have reached the disk before the machine went down. The snapshot store
 * removes the directories, which it finds without a row. */
bool berth_snapshot_records_forget_other_boots(BerthDatabase *database, const char *boot,
                                               GError **error) {
    return berth_database_run(
        database, error, "DELETE FROM snapshots WHERE boot IS NOT NULL AND boot <> ?1", "s", boot);
}

bool berth_snapshot_records_find_unsynced(BerthDatabase *database, int64_t *newest_usec) {
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL, "SELECT max(created) FROM snapshots WHERE boot IS NOT NULL", "");

    if (!rows || !berth_database_step(rows, NULL) || sqlite3_column_type(rows, 0) == SQLITE_NULL)
        return false;
    *newest_usec = sqlite3_column_int64(rows, 0);
    return true;
}

/* Rows added while the file system was being synced are newer, and wait for the next time. */
bool berth_snapshot_records_set_synced(BerthDatabase *database, int64_t newest_usec,
                                       GError **error) {
    return berth_database_run(
        database, error, "UPDATE snapshots SET boot = NULL WHERE created <= ?1", "i", newest_usec);
}
