/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/reach.h"

static bool run_all(BerthDatabase *database, const char *const *statements, GError **error) {
    for (; *statements; statements++)
        if (!berth_database_run(database, error, *statements, ""))
            return false;
    return true;
}

bool berth_reach_begin(BerthDatabase *database, GError **error) {
    static const char *const statements[] = {
        "CREATE TEMP TABLE IF NOT EXISTS reached_blobs (digest TEXT PRIMARY KEY) WITHOUT ROWID",
        "CREATE TEMP TABLE IF NOT EXISTS reached_chains (chain_id TEXT PRIMARY KEY) WITHOUT ROWID",
        "DELETE FROM reached_blobs",
        "DELETE FROM reached_chains",
        NULL,
    };

    return run_all(database, statements, error);
}

bool berth_reach_add_blob(BerthDatabase *database, const char *digest, GError **error) {
    return berth_database_run(database, error, "INSERT OR IGNORE INTO reached_blobs VALUES (?1)",
                              "s", digest);
}

bool berth_reach_add_chain(BerthDatabase *database, const char *chain_id, GError **error) {
    return berth_database_run(database, error, "INSERT OR IGNORE INTO reached_chains VALUES (?1)",
                              "s", chain_id);
}

bool berth_reach_spread(BerthDatabase *database, GError **error) {
    static const char *const statements[] = {
        "INSERT OR IGNORE INTO reached_blobs SELECT digest FROM images",
        "INSERT OR IGNORE INTO reached_blobs SELECT digest FROM lease_items",
        "INSERT OR IGNORE INTO reached_blobs"
        "  WITH RECURSIVE below (digest) AS (SELECT digest FROM reached_blobs UNION"
        "    SELECT child FROM children JOIN below ON parent = below.digest)"
        "  SELECT digest FROM below",
        "INSERT OR IGNORE INTO reached_chains SELECT chain_id FROM containers",
        /* One of before that was recorded may stand on any of them. */
        "INSERT OR IGNORE INTO reached_chains SELECT chain_id FROM snapshots"
        "  WHERE EXISTS (SELECT 1 FROM containers WHERE chain_id = '')",
        "INSERT OR IGNORE INTO reached_chains"
        "  WITH RECURSIVE below (chain_id) AS (SELECT chain_id FROM reached_chains UNION"
        "    SELECT parent FROM snapshots JOIN below USING (chain_id))"
        "  SELECT chain_id FROM below",
        NULL,
    };

    return run_all(database, statements, error);
}

bool berth_reach_has_blob(BerthDatabase *database, const char *digest) {
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL, "SELECT 1 FROM reached_blobs WHERE digest = ?1", "s", digest);

    /* What cannot be told is kept. */
    return !rows || berth_database_step(rows, NULL);
}

static void free_unreached(gpointer data) {
    BerthUnreached *unreached = data;

    g_free(unreached->chain_id);
    g_free(unreached);
}

GPtrArray *berth_reach_list_chains(BerthDatabase *database, GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_unreached);
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthRows) rows = berth_database_query(
        database, &local,
        "WITH RECURSIVE depths (chain_id, depth) AS (SELECT chain_id, 0 FROM snapshots"
        "  WHERE parent = '' UNION ALL SELECT snapshots.chain_id, depth + 1 FROM snapshots"
        "  JOIN depths ON parent = depths.chain_id)"
        "SELECT snapshots.chain_id, size FROM snapshots LEFT JOIN depths USING (chain_id)"
        "  WHERE chain_id NOT IN (SELECT chain_id FROM reached_chains) ORDER BY depth DESC",
        "");

    while (!local && berth_database_step(rows, &local)) {
        BerthUnreached *unreached = g_new0(BerthUnreached, 1);
        unreached->chain_id = g_strdup(berth_database_text(rows, 0));
        unreached->size = (uint64_t)sqlite3_column_int64(rows, 1);
        g_ptr_array_add(list, unreached);
    }
    if (!local)
        return g_steal_pointer(&list);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

bool berth_reach_forget(BerthDatabase *database, GError **error) {
    static const char *const statements[] = {
        "DELETE FROM sources WHERE digest NOT IN (SELECT digest FROM reached_blobs)",
        "DELETE FROM holdings WHERE digest NOT IN (SELECT digest FROM reached_blobs)",
        "DELETE FROM diff_ids WHERE digest NOT IN (SELECT digest FROM reached_blobs)",
        "DELETE FROM chains WHERE manifest NOT IN (SELECT digest FROM reached_blobs)",
        "DELETE FROM types WHERE digest NOT IN (SELECT digest FROM reached_blobs)",
        "DELETE FROM children WHERE parent NOT IN (SELECT digest FROM reached_blobs)",
        "DELETE FROM image_info WHERE digest NOT IN (SELECT digest FROM reached_blobs)",
        "DELETE FROM labels WHERE kind = 'blob'"
        "  AND owner NOT IN (SELECT digest FROM reached_blobs)",
        NULL,
    };

    if (!berth_database_begin(database, error))
        return false;
    bool done = run_all(database, statements, error);
    return berth_database_end(database, done, done ? error : NULL) && done;
}

/* viewer: whose names are told, or -1 for all. */
static bool add_words(BerthDatabase *database, GPtrArray *words, const char *what, const char *sql,
                      const char *digest, int64_t viewer, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthRows) rows = berth_database_query(database, &local, sql, "si", digest, viewer);

    while (!local && berth_database_step(rows, &local))
        g_ptr_array_add(words, g_strconcat(what, " ", berth_database_text(rows, 0), NULL));
    if (!local)
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

#define ABOVE                                                                                      \
    "WITH RECURSIVE above (digest) AS (VALUES (?1) UNION"                                          \
    "  SELECT parent FROM children JOIN above ON child = above.digest) "
#define CHAIN_ABOVE                                                                                \
    "WITH RECURSIVE above (chain_id) AS (VALUES (?1) UNION"                                        \
    "  SELECT snapshots.chain_id FROM snapshots JOIN above ON parent = above.chain_id) "

#define TOLD(name) "CASE WHEN ?2 < 0 OR owner = ?2 THEN " name " ELSE 'of another user' END"

GPtrArray *berth_reach_explain(BerthDatabase *database, const char *digest, const BerthSight *sight,
                               GError **error) {
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    int64_t of_images = sight->images ? -1 : (int64_t)sight->owner;
    int64_t of_others = sight->others ? -1 : (int64_t)sight->owner;

    if (add_words(database, words, "image",
                  ABOVE
                  "SELECT DISTINCT " TOLD("images.name") " AS told FROM images JOIN above"
                                                         " USING (digest) LEFT JOIN image_holders"
                                                         "   ON image_holders.name = images.name "
                                                         "AND owner = ?2 ORDER BY told",
                  digest, of_images, error) &&
        add_words(database, words, "lease",
                  ABOVE "SELECT DISTINCT " TOLD(
                      "lease") " FROM lease_items JOIN above"
                               " USING (digest) JOIN leases ON leases.id = lease",
                  digest, of_others, error) &&
        add_words(database, words, "container",
                  CHAIN_ABOVE "SELECT DISTINCT " TOLD("id") " FROM containers JOIN above"
                                                            " USING (chain_id)",
                  digest, of_others, error))
        return g_steal_pointer(&words);
    return NULL;
}

GPtrArray *berth_reach_list_blobs_of(BerthDatabase *database, const char *digest, GError **error) {
    g_autoptr(GPtrArray) digests = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthRows) rows =
        berth_database_query(database, &local,
                             "WITH RECURSIVE below (digest) AS (VALUES (?1) UNION"
                             "  SELECT child FROM children JOIN below ON parent = below.digest) "
                             "SELECT digest FROM below",
                             "s", digest);

    while (!local && berth_database_step(rows, &local))
        g_ptr_array_add(digests, g_strdup(berth_database_text(rows, 0)));
    if (!local)
        return g_steal_pointer(&digests);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}
