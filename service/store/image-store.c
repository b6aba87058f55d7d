/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tables images, image_holders, children and image_info. There is no object: each function is
 * one statement or one transaction on the database, and a caller frees what it gets.
 */

#include "store/image-store.h"

#include "store/provenance.h"

#include <errno.h>

/* The maximum length of a media type; digests are shorter. */
enum { MAX_DESCRIPTOR_BYTES = 255 };

void berth_image_free(BerthImage *image) {
    if (!image)
        return;
    g_free(image->name);
    berth_descriptor_free(image->target);
    g_strfreev(image->labels);
    g_free(image);
}

static gpointer image_store_read(BerthDatabase *database, sqlite3_stmt *rows) {
    BerthImage *image = g_new0(BerthImage, 1);

    image->name = g_strdup(berth_database_text(rows, 0));
    image->target = berth_descriptor_new(berth_database_short_text(rows, 1, MAX_DESCRIPTOR_BYTES),
                                         berth_database_short_text(rows, 2, MAX_DESCRIPTOR_BYTES),
                                         (uint64_t)sqlite3_column_int64(rows, 3));
    image->created_usec = (uint64_t)sqlite3_column_int64(rows, 4);
    image->updated_usec = (uint64_t)sqlite3_column_int64(rows, 5);
    image->labels = berth_database_get_labels(database, "image", image->name);
    return image;
}

#define COLUMNS "SELECT name, media_type, digest, size, created, updated FROM images "

BerthImage *berth_image_store_get(BerthDatabase *database, const char *name, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthRows) rows =
        berth_database_query(database, &local, COLUMNS "WHERE name = ?1", "s", name);

    if (!local && berth_database_step(rows, &local))
        return image_store_read(database, rows);
    if (local)
        g_propagate_error(error, g_steal_pointer(&local));
    else
        berth_error_set(error, BERTH_ERROR_NOT_FOUND, "there is no image \"%s\" here", name);
    return NULL;
}

/* Visits in the order of names, starting after the given one, so that paging continues at the right
 * place whatever has been added or removed in between. */
int berth_image_store_visit(BerthDatabase *database, const char *after, BerthImageVisit visit,
                            void *userdata, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthRows) rows =
        berth_database_query(database, &local, COLUMNS "WHERE name > ?1 ORDER BY name", "s", after);
    int r = 1;

    while (!local && r > 0 && berth_database_step(rows, &local)) {
        if (!berth_database_has_key(rows))
            continue;
        g_autoptr(BerthImage) image = image_store_read(database, rows);
        r = visit(image, userdata);
    }
    if (!local)
        return r;
    g_propagate_error(error, g_steal_pointer(&local));
    return -EIO;
}

static void free_image(gpointer data) {
    berth_image_free(data);
}

bool berth_image_store_count(BerthDatabase *database, uint64_t *count, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthRows) rows =
        berth_database_query(database, &local, "SELECT COUNT(*) FROM images", "");

    if (!local && berth_database_step(rows, &local))
        *count = (uint64_t)sqlite3_column_int64(rows, 0);
    return !local || (g_propagate_error(error, g_steal_pointer(&local)), false);
}

GPtrArray *berth_image_store_list(BerthDatabase *database, GError **error) {
    return berth_database_list(database,
                               berth_database_query(database, error, COLUMNS "ORDER BY name", ""),
                               image_store_read, free_image, error);
}

bool berth_image_store_put(BerthDatabase *database, const char *name, const BerthDescriptor *target,
                           char *const *labels, uint32_t owner, BerthDescriptor **before,
                           GError **error) {
    g_autoptr(BerthImage) old = berth_image_store_get(database, name, NULL);
    /* Read before the transaction: berthd's main thread is the only writer. */
    bool is_same = old && g_str_equal(old->target->digest, target->digest);
    int64_t now = g_get_real_time();

    if (!berth_database_begin(database, error))
        return false;
    bool done = berth_database_run(
        database, error,
        "INSERT INTO images VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (name) DO UPDATE SET"
        "  updated = CASE WHEN digest = ?3 THEN updated ELSE ?5 END,"
        "  media_type = ?2, digest = ?3, size = ?4",
        "sssii", name, target->media_type, target->digest, (int64_t)target->size, now);
    /* Users who gave the name its earlier target do not answer for the new one. */
    done = done && berth_provenance_vouch(database, name, owner, !is_same, error);
    if (done && labels)
        done = berth_database_set_labels(database, "image", name, labels, error);
    if (!berth_database_end(database, done, done ? error : NULL) || !done)
        return false;
    *before = old ? g_steal_pointer(&old->target) : NULL;
    return true;
}

bool berth_image_store_delete(BerthDatabase *database, const char *name, BerthDescriptor **before,
                              GError **error) {
    g_autoptr(BerthImage) old = berth_image_store_get(database, name, error);

    if (!old || !berth_database_begin(database, error))
        return false;
    bool done =
        berth_database_run(database, error, "DELETE FROM images WHERE name = ?1", "s", name) &&
        berth_database_run(database, error, "DELETE FROM image_holders WHERE name = ?1", "s",
                           name) &&
        berth_database_set_labels(database, "image", name, NULL, error);
    if (!berth_database_end(database, done, done ? error : NULL) || !done)
        return false;
    *before = g_steal_pointer(&old->target);
    return true;
}

/* If an image has the new name already, it is replaced, with its labels and holders. */
bool berth_image_store_rename(BerthDatabase *database, const char *name, const char *new_name,
                              GError **error) {
    if (!berth_database_begin(database, error))
        return false;
    bool done =
        berth_database_run(database, error, "DELETE FROM images WHERE name = ?1", "s", new_name) &&
        berth_database_set_labels(database, "image", new_name, NULL, error) &&
        berth_database_run(database, error, "DELETE FROM image_holders WHERE name = ?1", "s",
                           new_name) &&
        berth_database_run(database, error, "UPDATE image_holders SET name = ?2 WHERE name = ?1",
                           "ss", name, new_name) &&
        berth_database_run(database, error, "UPDATE images SET name = ?2 WHERE name = ?1", "ss",
                           name, new_name) &&
        berth_database_run(database, error,
                           "UPDATE labels SET owner = ?2 WHERE kind = 'image' AND owner = ?1", "ss",
                           name, new_name);
    return berth_database_end(database, done, done ? error : NULL) && done;
}

bool berth_image_store_add_child(BerthDatabase *database, const char *parent, const char *child,
                                 GError **error) {
    return berth_database_run(database, error, "INSERT OR IGNORE INTO children VALUES (?1, ?2)",
                              "ss", parent, child);
}

bool berth_image_store_add_document(BerthDatabase *database, const char *digest, bool is_index,
                                    GError **error) {
    return berth_database_run(database, error, "INSERT OR IGNORE INTO documents VALUES (?1, ?2)",
                              "si", digest, (int64_t)is_index);
}

/* One list for all kinds: these media types have no parameters (base/descriptor.c). */
#define MANIFEST_TYPES "('" BERTH_MEDIA_OCI_MANIFEST "', '" BERTH_MEDIA_DOCKER_MANIFEST "')"
#define INDEX_TYPES "('" BERTH_MEDIA_OCI_INDEX "', '" BERTH_MEDIA_DOCKER_LIST "')"

static gpointer read_unread(BerthDatabase *database, sqlite3_stmt *rows) {
    (void)database;
    return berth_descriptor_new(berth_database_text(rows, 0), berth_database_text(rows, 1), 0);
}

/* Returns documents to which names or other documents refer, and whose own references have not been
 * recorded yet. Content may be referred to with media types of both kinds: it may have been read as
 * an index, as a manifest, or as both. */
GPtrArray *berth_image_store_list_unread(BerthDatabase *database, GError **error) {
    sqlite3_stmt *rows = berth_database_query(
        database, error,
        "SELECT media_type, digest FROM (SELECT media_type, digest FROM images UNION"
        "    SELECT media_type, digest FROM types WHERE digest IN (SELECT child FROM children)) AS"
        "    named"
        "  WHERE media_type IN " MANIFEST_TYPES " AND NOT EXISTS (SELECT 1 FROM documents"
        "      WHERE documents.digest = named.digest AND NOT is_index)"
        "    OR media_type IN " INDEX_TYPES " AND NOT EXISTS (SELECT 1 FROM documents"
        "      WHERE documents.digest = named.digest AND is_index)",
        "");

    return berth_database_list(database, rows, read_unread, (GDestroyNotify)berth_descriptor_free,
                               error);
}

char *berth_image_store_get_info(BerthDatabase *database, const char *digest,
                                 const char *platform) {
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL, "SELECT info FROM image_info WHERE digest = ?1 AND platform = ?2", "ss",
        digest, platform);

    return rows && berth_database_step(rows, NULL) ? g_strdup(berth_database_text(rows, 0)) : NULL;
}

bool berth_image_store_set_info(BerthDatabase *database, const char *digest, const char *platform,
                                const char *info, GError **error) {
    return berth_database_run(database, error,
                              "INSERT OR REPLACE INTO image_info VALUES (?1, ?2, ?3)", "sss",
                              digest, platform, info);
}

GPtrArray *berth_image_store_list_infos_of(BerthDatabase *database, const char *digest,
                                           GError **error) {
    sqlite3_stmt *rows = berth_database_query(
        database, error, "SELECT info FROM image_info WHERE digest = ?1 ORDER BY platform", "s",
        digest);

    return berth_database_list(database, rows, berth_database_read_text, g_free, error);
}

/* Restricted to images that have a name or a lease: an entry may remain in the table until the next
 * collection after its document has lost its name. */
GPtrArray *berth_image_store_list_infos(BerthDatabase *database, GError **error) {
    sqlite3_stmt *rows =
        berth_database_query(database, error,
                             "SELECT info FROM image_info WHERE digest IN"
                             "  (SELECT digest FROM images UNION SELECT digest FROM lease_items)",
                             "");

    return berth_database_list(database, rows, berth_database_read_text, g_free, error);
}
