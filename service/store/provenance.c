/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tables holdings, image_holders, diff_ids and chains; provenance.h says what they mean. There
 * is no object: each function is one statement or one transaction, and nothing is cached, so that
 * an answer is always as current as the database.
 */

#include "store/provenance.h"

/* A failed query counts as no: it must not grant a right. */
static bool query_has_row(BerthRows *rows) {
    return rows && berth_database_step(rows, NULL);
}

bool berth_provenance_hold(BerthDatabase *database, uint32_t owner, const char *digest,
                           GError **error) {
    return berth_database_run(database, error, "INSERT OR IGNORE INTO holdings VALUES (?1, ?2)",
                              "si", digest, (int64_t)owner);
}

bool berth_provenance_holds(BerthDatabase *database, uint32_t owner, const char *digest) {
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL, "SELECT 1 FROM holdings WHERE digest = ?1 AND owner = ?2", "si", digest,
        (int64_t)owner);

    return query_has_row(rows);
}

bool berth_provenance_may_name(BerthDatabase *database, uint32_t owner, const char *digest) {
    return owner == 0 || berth_provenance_holds(database, owner, digest);
}

bool berth_provenance_forget(BerthDatabase *database, const char *digest, GError **error) {
    if (!berth_database_begin(database, error))
        return false;
    bool done =
        berth_database_run(database, error, "DELETE FROM holdings WHERE digest = ?1", "s",
                           digest) &&
        berth_database_run(database, error, "DELETE FROM sources WHERE digest = ?1", "s", digest);
    return berth_database_end(database, done, done ? error : NULL) && done;
}

uint64_t berth_provenance_count_images(BerthDatabase *database, uint32_t owner) {
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL,
        "SELECT count(*) FROM image_holders JOIN images USING (name) WHERE owner = ?1", "i",
        (int64_t)owner);

    return rows && berth_database_step(rows, NULL) ? (uint64_t)sqlite3_column_int64(rows, 0) : 0;
}

sqlite3_stmt *berth_provenance_query_held(BerthDatabase *database, uint32_t owner, GError **error) {
    return berth_database_query(database, error, "SELECT digest FROM holdings WHERE owner = ?1",
                                "i", (int64_t)owner);
}

bool berth_provenance_vouch(BerthDatabase *database, const char *name, uint32_t owner, bool alone,
                            GError **error) {
    if (!berth_database_begin(database, error))
        return false;
    bool done =
        (!alone || berth_database_run(database, error, "DELETE FROM image_holders WHERE name = ?1",
                                      "s", name)) &&
        berth_database_run(database, error, "INSERT OR IGNORE INTO image_holders VALUES (?1, ?2)",
                           "si", name, (int64_t)owner);
    return berth_database_end(database, done, done ? error : NULL) && done;
}

bool berth_provenance_vouches(BerthDatabase *database, const char *name, uint32_t owner) {
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL, "SELECT 1 FROM image_holders WHERE name = ?1 AND owner = ?2", "si", name,
        (int64_t)owner);

    return query_has_row(rows);
}

bool berth_provenance_vouch_as(BerthDatabase *database, const char *name, const char *other,
                               GError **error) {
    return berth_database_run(database, error,
                              "INSERT OR IGNORE INTO image_holders"
                              "  SELECT ?1, owner FROM image_holders WHERE name = ?2",
                              "ss", name, other);
}

/* ?1 is a name, and digest the column or parameter to check. Names older than this table have the
 * owner -1, and reach everything that they refer to. */
#define REACHED(digest)                                                                            \
    "EXISTS (SELECT 1 FROM image_holders WHERE name = ?1 AND (owner = -1 OR EXISTS"                \
    "  (SELECT 1 FROM holdings WHERE holdings.digest = " digest                                    \
    "     AND holdings.owner = image_holders.owner)))"

bool berth_provenance_reaches(BerthDatabase *database, const char *name, const char *digest) {
    g_autoptr(BerthRows) rows =
        berth_database_query(database, NULL, "SELECT 1 WHERE " REACHED("?2"), "ss", name, digest);

    return query_has_row(rows);
}

/* The walk covers all documents below the target, and only the result is filtered: a child may be
 * held although its parent is not. */
GPtrArray *berth_provenance_list_reached(BerthDatabase *database, const char *name,
                                         const char *target, GError **error) {
    sqlite3_stmt *rows =
        berth_database_query(database, error,
                             "WITH RECURSIVE below (digest) AS (VALUES (?2) UNION"
                             "  SELECT child FROM children JOIN below ON parent = below.digest) "
                             "SELECT digest FROM below WHERE " REACHED("below.digest"),
                             "ss", name, target);

    return berth_database_list(database, rows, berth_database_read_text, g_free, error);
}

bool berth_provenance_holds_reached(BerthDatabase *database, const char *name, const char *target,
                                    uint32_t owner) {
    g_autoptr(GPtrArray) reached = berth_provenance_vouches(database, name, owner)
                                       ? berth_provenance_list_reached(database, name, target, NULL)
                                       : NULL;

    for (guint i = 0; reached && i < reached->len; i++)
        if (!berth_provenance_holds(database, owner, reached->pdata[i]))
            return false;
    return reached != NULL;
}

bool berth_provenance_reaches_children(BerthDatabase *database, const char *name,
                                       const char *document) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthRows) rows = berth_database_query(
        database, &error, "SELECT 1 FROM children WHERE parent = ?2 AND NOT " REACHED("child"),
        "ss", name, document);

    /* A failed query has no rows either, and must not grant anything. */
    return rows && !berth_database_step(rows, &error) && !error;
}

bool berth_provenance_add_diff_id(BerthDatabase *database, const char *digest, const char *diff_id,
                                  GError **error) {
    return berth_database_run(database, error, "INSERT OR IGNORE INTO diff_ids VALUES (?1, ?2)",
                              "ss", digest, diff_id);
}

bool berth_provenance_has_diff_id(BerthDatabase *database, const char *digest,
                                  const char *diff_id) {
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL, "SELECT 1 FROM diff_ids WHERE digest = ?1 AND diff_id = ?2", "ss", digest,
        diff_id);

    return query_has_row(rows);
}

bool berth_provenance_add_chain(BerthDatabase *database, const char *manifest, const char *chain_id,
                                GError **error) {
    return berth_database_run(database, error, "INSERT OR IGNORE INTO chains VALUES (?1, ?2)", "ss",
                              manifest, chain_id);
}

bool berth_provenance_has_chain(BerthDatabase *database, const char *manifest,
                                const char *chain_id) {
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL, "SELECT 1 FROM chains WHERE manifest = ?1 AND chain_id = ?2", "ss",
        manifest, chain_id);

    return query_has_row(rows);
}
