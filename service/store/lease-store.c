/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tables leases and lease_items. There is no object: each function is one statement or one
 * transaction on the database, and the caller frees what it gets.
 *
 * An expired lease is neither found by its ID nor listed, but its row remains until
 * berth_lease_store_expire, which also frees the ID. Ingests and transfers refer to leases by ID,
 * and lose that reference together with the lease.
 */

#include "store/lease-store.h"

#include "store/reach.h"

void berth_lease_free(BerthLease *lease) {
    if (!lease)
        return;
    g_free(lease->id);
    g_strfreev(lease->labels);
    g_strfreev(lease->digests);
    g_free(lease);
}

static void free_lease(gpointer data) {
    berth_lease_free(data);
}

static char **list_digests(BerthDatabase *database, const char *id) {
    g_autoptr(GPtrArray) digests = g_ptr_array_new();
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL, "SELECT digest FROM lease_items WHERE lease = ?1", "s", id);

    while (rows && berth_database_step(rows, NULL))
        g_ptr_array_add(digests, g_strdup(berth_database_text(rows, 0)));
    g_ptr_array_add(digests, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&digests), FALSE);
}

static gpointer read_row(BerthDatabase *database, sqlite3_stmt *rows) {
    BerthLease *lease = g_new0(BerthLease, 1);

    lease->id = g_strdup(berth_database_text(rows, 0));
    lease->owner = (uint32_t)sqlite3_column_int64(rows, 1);
    lease->created_usec = (uint64_t)sqlite3_column_int64(rows, 2);
    lease->expires_usec = (uint64_t)sqlite3_column_int64(rows, 3);
    lease->labels = berth_database_get_labels(database, "lease", lease->id);
    lease->digests = list_digests(database, lease->id);
    return lease;
}

/* A condition on rows of leases; the first parameter of each statement that uses it is the current
 * time. */
#define UNEXPIRED "(expires = 0 OR expires > ?1)"

/* Clears the ID of a deleted lease wherever it is recorded: the next lease with that ID may belong
 * to another user. */
static bool clear_deleted_ids(BerthDatabase *database, GError **error) {
    return berth_database_run(database, error,
                              "UPDATE ingests SET lease = '' WHERE lease <> '' AND lease NOT IN "
                              "(SELECT id FROM leases)",
                              "") &&
           berth_database_run(database, error,
                              "UPDATE transfers SET lease = '' WHERE lease <> '' AND lease NOT IN "
                              "(SELECT id FROM leases)",
                              "") &&
           berth_database_run(database, error,
                              "DELETE FROM lease_items WHERE lease NOT IN (SELECT id FROM leases)",
                              "");
}

bool berth_lease_store_expire(BerthDatabase *database, GError **error) {
    int64_t now = g_get_real_time();

    if (!berth_database_begin(database, error))
        return false;
    bool done =
        berth_database_run(database, error,
                           "DELETE FROM labels WHERE kind = 'lease' AND owner IN"
                           "  (SELECT id FROM leases WHERE NOT " UNEXPIRED ")",
                           "i", now) &&
        berth_database_run(database, error, "DELETE FROM leases WHERE NOT " UNEXPIRED, "i", now) &&
        clear_deleted_ids(database, error);
    return berth_database_end(database, done, done ? error : NULL) && done;
}

BerthLease *berth_lease_store_get(BerthDatabase *database, const char *id, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthRows) rows = berth_database_query(
        database, &local,
        "SELECT id, owner, created, expires FROM leases WHERE id = ?2 AND " UNEXPIRED, "is",
        g_get_real_time(), id);

    if (!local && berth_database_step(rows, &local))
        return read_row(database, rows);
    if (local)
        g_propagate_error(error, g_steal_pointer(&local));
    else
        berth_error_set(error, BERTH_ERROR_NOT_FOUND, "there is no lease \"%.100s\"", id);
    return NULL;
}

GPtrArray *berth_lease_store_list(BerthDatabase *database, GError **error) {
    return berth_database_list(
        database,
        berth_database_query(database, error,
                             "SELECT id, owner, created, expires FROM leases WHERE " UNEXPIRED
                             " ORDER BY id",
                             "i", g_get_real_time()),
        read_row, free_lease, error);
}

bool berth_lease_store_create(BerthDatabase *database, const BerthLease *lease, GError **error) {
    g_autoptr(BerthLease) present = NULL;

    if (!berth_lease_store_expire(database, error))
        return false;
    if ((present = berth_lease_store_get(database, lease->id, NULL)))
        return berth_error_set(error, BERTH_ERROR_ALREADY_EXISTS,
                               "there is a lease \"%.100s\" already", lease->id);
    if (!berth_database_begin(database, error))
        return false;
    bool done = berth_database_run(database, error, "INSERT INTO leases VALUES (?1, ?2, ?3, ?4)",
                                   "siii", lease->id, (int64_t)lease->owner,
                                   (int64_t)lease->created_usec, (int64_t)lease->expires_usec) &&
                berth_database_set_labels(database, "lease", lease->id, lease->labels, error);
    return berth_database_end(database, done, done ? error : NULL) && done;
}

/* The owner and the creation time identify the lease that was looked up; its ID may have been
 * reused since. */
bool berth_lease_store_add(BerthDatabase *database, const BerthLease *lease, const char *digest,
                           GError **error) {
    return berth_database_run(database, error,
                              "INSERT OR IGNORE INTO lease_items SELECT id, ?2 FROM leases"
                              "  WHERE id = ?1 AND owner = ?3 AND created = ?4",
                              "ssii", lease->id, digest, (int64_t)lease->owner,
                              (int64_t)lease->created_usec);
}

bool berth_lease_store_keeps(BerthDatabase *database, const char *digest) {
    /* If the query fails, the content is kept. */
    return !berth_lease_store_expire(database, NULL) || berth_reach_has_lease(database, digest);
}

bool berth_lease_store_delete(BerthDatabase *database, const char *id, GError **error) {
    g_autoptr(BerthLease) present = berth_lease_store_get(database, id, error);

    if (!present || !berth_database_begin(database, error))
        return false;
    bool done = berth_database_run(database, error, "DELETE FROM leases WHERE id = ?1", "s", id) &&
                clear_deleted_ids(database, error) &&
                berth_database_set_labels(database, "lease", id, NULL, error);
    return berth_database_end(database, done, done ? error : NULL) && done;
}
