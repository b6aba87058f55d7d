/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table volumes. There is no object: each function is one statement, and the caller frees the
 * records that it gets. The directories belong to containers/parts/volumes.c.
 */

#include "store/volume-store.h"

void berth_volume_free(gpointer data) {
    BerthVolume *volume = data;

    if (!volume)
        return;
    g_free(volume->name);
    g_free(volume);
}

#define VOLUME_COLUMNS "SELECT name, owner, created FROM volumes "

static gpointer read_volume(BerthDatabase *database, sqlite3_stmt *rows) {
    BerthVolume *volume = g_new0(BerthVolume, 1);

    (void)database;
    volume->name = g_strdup(berth_database_text(rows, 0));
    volume->owner = (uint32_t)sqlite3_column_int64(rows, 1);
    volume->created_usec = (uint64_t)sqlite3_column_int64(rows, 2);
    return volume;
}

GPtrArray *berth_volume_store_list(BerthDatabase *database, GError **error) {
    return berth_database_list(
        database, berth_database_query(database, error, VOLUME_COLUMNS "ORDER BY name", ""),
        read_volume, berth_volume_free, error);
}

BerthVolume *berth_volume_store_get(BerthDatabase *database, const char *name, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthRows) rows =
        berth_database_query(database, &local, VOLUME_COLUMNS "WHERE name = ?1", "s", name);

    if (rows && berth_database_step(rows, &local))
        return read_volume(database, rows);
    if (local)
        g_propagate_error(error, g_steal_pointer(&local));
    else
        berth_error_set(error, BERTH_ERROR_NOT_FOUND, "there is no volume \"%.100s\"", name);
    return NULL;
}

/* Not a part of the record: most callers look for its owner. */
char **berth_volume_store_get_labels(BerthDatabase *database, const char *name) {
    return berth_database_get_labels(database, "volume", name);
}

/* The row and its labels are written in one transaction, and removed in one: a later volume of this
 * name must not find the labels of the old one. */
bool berth_volume_store_add(BerthDatabase *database, const char *name, uint32_t owner,
                            char *const *labels, GError **error) {
    if (!berth_database_begin(database, error))
        return false;
    bool done = berth_database_run(database, error,
                                   "INSERT INTO volumes (name, owner, created) VALUES (?1, ?2, ?3)",
                                   "sii", name, (int64_t)owner, (int64_t)g_get_real_time()) &&
                berth_database_set_labels(database, "volume", name, (char **)labels, error);
    return berth_database_end(database, done, done ? error : NULL) && done;
}

bool berth_volume_store_remove(BerthDatabase *database, const char *name, GError **error) {
    if (!berth_database_begin(database, error))
        return false;
    bool done =
        berth_database_run(database, error, "DELETE FROM volumes WHERE name = ?1", "s", name) &&
        berth_database_set_labels(database, "volume", name, NULL, error);
    return berth_database_end(database, done, done ? error : NULL) && done;
}
