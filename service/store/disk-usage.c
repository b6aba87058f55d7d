/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table disk_usage, and the sum that is charged to a user. There is no object. Rows are written
 * when a container or a volume has been measured, and deleted by triggers of the schema
 * (store/schema.c) together with the container or volume.
 */

#include "store/disk-usage.h"

static const char *const kinds[] = {
    [BERTH_DISK_CONTAINER] = "container",
    [BERTH_DISK_VOLUME] = "volume",
};

bool berth_disk_usage_set(BerthDatabase *database, BerthDiskKind kind, const char *name,
                          uint64_t bytes, GError **error) {
    return berth_database_run(database, error,
                              "INSERT OR REPLACE INTO disk_usage VALUES (?1, ?2, ?3)", "ssi",
                              kinds[kind], name, (int64_t)MIN(bytes, (uint64_t)INT64_MAX));
}

bool berth_disk_usage_get(BerthDatabase *database, BerthDiskKind kind, const char *name,
                          uint64_t *bytes) {
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL, "SELECT bytes FROM disk_usage WHERE kind = ?1 AND name = ?2", "ss",
        kinds[kind], name);

    if (!rows || !berth_database_step(rows, NULL))
        return false;
    *bytes = (uint64_t)sqlite3_column_int64(rows, 0);
    return true;
}

/* A chain counts for an owner who holds one of its manifests and everything that the manifest
 * refers to. A snapshot shared by several chains counts once for each owner. Uses total(), since
 * sum() over no rows is NULL. */
uint64_t berth_disk_usage_sum(BerthDatabase *database, uint32_t owner) {
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL,
        "WITH RECURSIVE own (chain_id) AS (SELECT chain_id FROM chains"
        "    JOIN holdings ON digest = manifest AND owner = ?1"
        "    WHERE NOT EXISTS (SELECT 1 FROM children WHERE parent = manifest AND NOT EXISTS"
        "      (SELECT 1 FROM holdings AS held WHERE held.digest = child AND held.owner = ?1))"
        "  UNION SELECT parent FROM snapshots JOIN own USING (chain_id))"
        "SELECT (SELECT total(size) FROM snapshots JOIN own USING (chain_id))"
        "  + (SELECT total(bytes) FROM disk_usage JOIN containers ON id = name"
        "      WHERE kind = 'container' AND owner = ?1)"
        "  + (SELECT total(bytes) FROM disk_usage JOIN volumes USING (name)"
        "      WHERE kind = 'volume' AND owner = ?1)",
        "i", (int64_t)owner);

    return rows && berth_database_step(rows, NULL) ? berth_database_size(rows, 0) : 0;
}
