/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reachability in SQL; reach.h describes its purpose. There is no object; the marks are in
 * temporary tables. A mark is a pair of a digest and the owner for whom it is reached, or ANYBODY.
 * A document leads an owner to a child only if the owner holds the child (provenance.h): the text
 * of a manifest gives no right to the content that it names, and keeps no content of other users.
 */

#include "store/reach.h"

/* Stands for root, for names from before owners were recorded, and for the roots that the running
 * service adds. */
#define ANYBODY "-1"
#define MARK_OF(owner) "CASE WHEN coalesce(" owner ", 0) <= 0 THEN " ANYBODY " ELSE " owner " END"
#define LEADS_TO(owner, child)                                                                     \
    "(" owner " < 0 OR EXISTS (SELECT 1 FROM holdings WHERE holdings.digest = " child              \
    "  AND holdings.owner = " owner "))"

static bool run_all(BerthDatabase *database, const char *const *statements, GError **error) {
    for (; *statements; statements++)
        if (!berth_database_run(database, error, *statements, ""))
            return false;
    return true;
}

bool berth_reach_begin(BerthDatabase *database, GError **error) {
    static const char *const statements[] = {
        "CREATE TEMP TABLE IF NOT EXISTS marks (digest TEXT NOT NULL, owner INTEGER NOT NULL,"
        "  PRIMARY KEY (digest, owner)) WITHOUT ROWID",
        "CREATE TEMP TABLE IF NOT EXISTS reached_blobs (digest TEXT PRIMARY KEY) WITHOUT ROWID",
        "CREATE TEMP TABLE IF NOT EXISTS reached_chains (chain_id TEXT PRIMARY KEY) WITHOUT ROWID",
        "DELETE FROM marks",
        "DELETE FROM reached_blobs",
        "DELETE FROM reached_chains",
        NULL,
    };

    return run_all(database, statements, error);
}

bool berth_reach_add_blob(BerthDatabase *database, const char *digest, GError **error) {
    return berth_database_run(database, error,
                              "INSERT OR IGNORE INTO marks VALUES (?1, " ANYBODY ")", "s", digest);
}

bool berth_reach_add_chain(BerthDatabase *database, const char *chain_id, GError **error) {
    return berth_database_run(database, error, "INSERT OR IGNORE INTO reached_chains VALUES (?1)",
                              "s", chain_id);
}

bool berth_reach_spread_blobs(BerthDatabase *database, GError **error) {
    static const char *const statements[] = {
        "INSERT OR IGNORE INTO marks SELECT digest, " MARK_OF(
            "owner") " FROM images"
                     "  LEFT JOIN image_holders USING (name)",
        "INSERT OR IGNORE INTO marks SELECT digest, " MARK_OF(
            "owner") " FROM lease_items"
                     "  JOIN leases ON id = lease",
        "INSERT OR IGNORE INTO marks"
        "  WITH RECURSIVE below (digest, owner) AS (SELECT digest, owner FROM marks UNION"
        "    SELECT child, below.owner FROM children JOIN below ON parent = below.digest"
        "      WHERE " LEADS_TO("below.owner", "child") ")"
                                                        "  SELECT digest, owner FROM below",
        "INSERT OR IGNORE INTO reached_blobs SELECT digest FROM marks",
        NULL,
    };

    return run_all(database, statements, error);
}

/* An owner keeps the snapshots of an image only if its layers were seen to unpack to this chain,
 * and if the owner holds everything that the manifest refers to: a manifest alone could claim any
 * chain. */
bool berth_reach_keeps_chain(BerthDatabase *database, const char *manifest, const char *chain_id) {
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL,
        "SELECT 1 FROM marks WHERE digest = ?1 AND (owner < 0"
        "  OR (EXISTS (SELECT 1 FROM chains WHERE manifest = ?1 AND chain_id = ?2)"
        "    AND NOT EXISTS (SELECT 1 FROM children WHERE parent = ?1"
        "      AND NOT " LEADS_TO("marks.owner", "child") ")))",
        "ss", manifest, chain_id);

    return !rows || berth_database_step(rows, NULL);
}

bool berth_reach_spread_chains(BerthDatabase *database, GError **error) {
    static const char *const statements[] = {
        "INSERT OR IGNORE INTO reached_chains SELECT chain_id FROM containers",
        /* A container from before chain IDs were recorded may use any snapshot, so all are kept. */
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

    /* If the query fails, the blob is kept. */
    return !rows || berth_database_step(rows, NULL);
}

static void free_unreached(gpointer data) {
    BerthUnreachedChain *unreached = data;

    g_free(unreached->chain_id);
    g_free(unreached);
}

static gpointer read_unreached(BerthDatabase *database, sqlite3_stmt *rows) {
    BerthUnreachedChain *unreached = g_new0(BerthUnreachedChain, 1);

    (void)database;
    unreached->chain_id = g_strdup(berth_database_text(rows, 0));
    unreached->size = (uint64_t)sqlite3_column_int64(rows, 1);
    return unreached;
}

/* Deepest first: berth_snapshot_records_remove refuses a snapshot that is the parent of another.
 * Rows without a depth, whose parents are missing, come last. */
GPtrArray *berth_reach_list_chains(BerthDatabase *database, GError **error) {
    sqlite3_stmt *rows = berth_database_query(
        database, error,
        "WITH RECURSIVE depths (chain_id, depth) AS (SELECT chain_id, 0 FROM snapshots"
        "  WHERE parent = '' UNION ALL SELECT snapshots.chain_id, depth + 1 FROM snapshots"
        "  JOIN depths ON parent = depths.chain_id)"
        "SELECT snapshots.chain_id, size FROM snapshots LEFT JOIN depths USING (chain_id)"
        "  WHERE chain_id NOT IN (SELECT chain_id FROM reached_chains) ORDER BY depth DESC",
        "");

    return berth_database_list(database, rows, read_unreached, free_unreached, error);
}

bool berth_reach_forget(BerthDatabase *database, GError **error) {
    static const char *const statements[] = {
        "DELETE FROM sources WHERE digest NOT IN (SELECT digest FROM reached_blobs)",
        "DELETE FROM holdings WHERE digest NOT IN (SELECT digest FROM reached_blobs)",
        "DELETE FROM diff_ids WHERE digest NOT IN (SELECT digest FROM reached_blobs)",
        "DELETE FROM chains WHERE manifest NOT IN (SELECT digest FROM reached_blobs)",
        "DELETE FROM types WHERE digest NOT IN (SELECT digest FROM reached_blobs)",
        "DELETE FROM children WHERE parent NOT IN (SELECT digest FROM reached_blobs)",
        "DELETE FROM documents WHERE digest NOT IN (SELECT digest FROM reached_blobs)",
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

/* viewer is the owner whose names are disclosed; -1 discloses all of them. */
static bool reach_add_words(BerthDatabase *database, GPtrArray *words, const char *what,
                            const char *sql, const char *digest, int64_t viewer, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthRows) rows = berth_database_query(database, &local, sql, "si", digest, viewer);

    while (!local && berth_database_step(rows, &local))
        g_ptr_array_add(words, g_strconcat(what, " ", berth_database_text(rows, 0), NULL));
    if (!local)
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

/* Walks from a blob up to the documents that refer to it, for each owner who holds it. A document
 * that the owner does not hold leads no further up, but a name or a lease of the owner may still
 * refer to it. */
#define WITH_DOCUMENTS_ABOVE                                                                       \
    "WITH RECURSIVE above (digest, owner, leads) AS (SELECT ?1, " ANYBODY ", 1 UNION"              \
    "  SELECT digest, owner, 1 FROM holdings WHERE digest = ?1 UNION"                              \
    "  SELECT parent, above.owner, " LEADS_TO(                                                     \
        "above.owner", "parent") " FROM children"                                                  \
                                 "    JOIN above ON child = above.digest WHERE leads) "
#define KEEPS(root, owner)                                                                         \
    "above.digest = " root " AND (above.digest = ?1 OR above.owner = " MARK_OF(owner) ")"
#define NAMES_ABOVE                                                                                \
    " FROM images LEFT JOIN image_holders AS holder USING (name)"                                  \
    "  JOIN above ON " KEEPS("images.digest", "holder.owner")
#define LEASES_ABOVE                                                                               \
    " FROM lease_items JOIN leases ON leases.id = lease"                                           \
    "  JOIN above ON " KEEPS("lease_items.digest", "leases.owner")

char *berth_reach_find_image(BerthDatabase *database, const char *digest) {
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL, WITH_DOCUMENTS_ABOVE "SELECT images.name" NAMES_ABOVE " LIMIT 1", "s",
        digest);

    return rows && berth_database_step(rows, NULL) ? g_strdup(berth_database_text(rows, 0)) : NULL;
}

bool berth_reach_has_lease(BerthDatabase *database, const char *digest) {
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL, WITH_DOCUMENTS_ABOVE "SELECT 1" LEASES_ABOVE " LIMIT 1", "s", digest);

    /* If the query fails, the content is kept. */
    return !rows || berth_database_step(rows, NULL);
}

#define CHAIN_ABOVE                                                                                \
    "WITH RECURSIVE above (chain_id) AS (VALUES (?1) UNION"                                        \
    "  SELECT snapshots.chain_id FROM snapshots JOIN above ON parent = above.chain_id) "

#define NAME_OR_HIDDEN(right, name)                                                                \
    "CASE WHEN ?2 < 0 OR " right " THEN " name " ELSE '" BERTH_REACH_HIDDEN_NAME "' END"
#define ANSWERS_FOR                                                                                \
    "EXISTS (SELECT 1 FROM image_holders AS own WHERE own.name = images.name AND own.owner = ?2)"

GPtrArray *berth_reach_explain(BerthDatabase *database, const char *digest,
                               const BerthReachViewer *viewer, GError **error) {
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    int64_t of_images = viewer->images ? -1 : (int64_t)viewer->owner;
    int64_t of_others = viewer->others ? -1 : (int64_t)viewer->owner;

    if (reach_add_words(database, words, "image",
                        WITH_DOCUMENTS_ABOVE "SELECT DISTINCT " NAME_OR_HIDDEN(
                            ANSWERS_FOR, "images.name") NAMES_ABOVE " ORDER BY 1",
                        digest, of_images, error) &&
        reach_add_words(database, words, "lease",
                        WITH_DOCUMENTS_ABOVE "SELECT DISTINCT " NAME_OR_HIDDEN(
                            "leases.owner = ?2", "lease") LEASES_ABOVE,
                        digest, of_others, error) &&
        reach_add_words(database, words, "container",
                        CHAIN_ABOVE "SELECT DISTINCT " NAME_OR_HIDDEN(
                            "owner = ?2", "id") " FROM containers JOIN above"
                                                " USING (chain_id)",
                        digest, of_others, error))
        return g_steal_pointer(&words);
    return NULL;
}

GPtrArray *berth_reach_list_blobs_of(BerthDatabase *database, const char *digest, GError **error) {
    sqlite3_stmt *rows =
        berth_database_query(database, error,
                             "WITH RECURSIVE below (digest) AS (VALUES (?1) UNION"
                             "  SELECT child FROM children JOIN below ON parent = below.digest) "
                             "SELECT digest FROM below",
                             "s", digest);

    return berth_database_list(database, rows, berth_database_read_text, g_free, error);
}
