/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table transfers. There is no object. A row exists from the beginning of a transfer to its
 * end, so a row found at the start of the service belongs to an interrupted transfer.
 */

#include "store/transfer-store.h"

static void free_record(gpointer data) {
    BerthTransferRecord *record = data;

    g_free(record->kind);
    g_free(record->reference);
    g_free(record->platform);
    g_free(record->lease);
    g_free(record);
}

bool berth_transfer_store_add(BerthDatabase *database, const BerthTransferRecord *record,
                              int64_t *id, GError **error) {
    if (!berth_database_run(
            database, error,
            "INSERT INTO transfers (kind, reference, platform, all_platforms,"
            "  insecure, owner, lease, own) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            "sssiiisi", record->kind, record->reference, record->platform,
            (int64_t)record->all_platforms, (int64_t)record->insecure, (int64_t)record->owner,
            record->lease, (int64_t)record->own))
        return false;
    *id = berth_database_last_row(database);
    return true;
}

void berth_transfer_store_remove(BerthDatabase *database, int64_t id) {
    berth_database_run(database, NULL, "DELETE FROM transfers WHERE id = ?1", "i", id);
}

static gpointer read_transfer_record(BerthDatabase *database, sqlite3_stmt *rows) {
    BerthTransferRecord *record = g_new0(BerthTransferRecord, 1);

    (void)database;
    *record = (BerthTransferRecord){
        .id = sqlite3_column_int64(rows, 0),
        .kind = g_strdup(berth_database_text(rows, 1)),
        .reference = g_strdup(berth_database_text(rows, 2)),
        .platform = g_strdup(berth_database_text(rows, 3)),
        .all_platforms = sqlite3_column_int(rows, 4),
        .insecure = sqlite3_column_int(rows, 5),
        .owner = (uint32_t)sqlite3_column_int64(rows, 6),
        .lease = g_strdup(berth_database_text(rows, 7)),
        .own = sqlite3_column_int(rows, 8),
    };
    return record;
}

/* Returns the rows and deletes them: a resumed transfer adds a new row. If the service dies in
 * between, they are not resumed; what they have fetched is kept for the next pull. */
GPtrArray *berth_transfer_store_take(BerthDatabase *database, GError **error) {
    sqlite3_stmt *rows = berth_database_query(
        database, error,
        "SELECT id, kind, reference, platform, all_platforms, insecure, owner, lease, own"
        "  FROM transfers ORDER BY id",
        "");
    g_autoptr(GPtrArray) records =
        berth_database_list(database, rows, read_transfer_record, free_record, error);

    if (!records)
        return NULL;
    /* Usually there are none, and nothing is written: the first write of a process syncs the log
     * and its directory. */
    if (records->len > 0 && !berth_database_run(database, error, "DELETE FROM transfers", ""))
        return NULL;
    return g_steal_pointer(&records);
}
