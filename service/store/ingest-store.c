/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The ingests of the content store: rows of the table ingests, and directories in content/ingest/.
 * An ingest goes through these states:
 *
 *   directory      ingest/HASH/ exists, the row does not: a crash here leaves an orphan, which is
 *                  removed at the next start
 *   open           the row exists, ingest/HASH/data grows
 *   committed      data was renamed to blobs/ALGORITHM/HEX (never replacing), then the row and the
 *                  directory were removed
 *
 * A blob appears only through that rename, after berth-ingest has synced the file: blobs/ never
 * contains an incomplete file.
 */

#include "store/content-store-private.h"
#include "store/disk-usage.h"
#include "store/provenance.h"

#include "base/charge.h"
#include "base/directory.h"
#include "base/fd.h"
#include "base/size.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void berth_ingest_info_clear(BerthIngestInfo *info) {
    g_clear_pointer(&info->key, g_free);
    g_clear_pointer(&info->ref, g_free);
    g_clear_pointer(&info->expected, g_free);
    g_clear_pointer(&info->lease, g_free);
}

static void free_ingest_info(gpointer data) {
    berth_ingest_info_clear(data);
    g_free(data);
}

/* A key contains text from a client, which may not be a valid file name, so directories are named
 * by its hash. In the table ingests, the column key has this hash, and ref the whole key. */
static char *ingest_directory_name(const char *key) {
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1);
}

bool berth_content_store_status(BerthContentStore *store, const char *key, BerthIngestInfo *info,
                                GError **error) {
    g_autofree char *name = ingest_directory_name(key);
    g_autofree char *path = g_strconcat(name, "/data", NULL);
    g_autoptr(GError) local = NULL;
    struct stat status;
    g_autoptr(BerthRows) rows = berth_database_query(
        store->database, &local,
        "SELECT ref, total, owner, started, updated, expected, lease FROM ingests WHERE key = ?1",
        "s", name);

    if (local || !berth_database_step(rows, &local)) {
        if (!local)
            berth_error_set(&local, BERTH_ERROR_NOT_FOUND, "there is no ingest \"%s\"",
                            berth_ingest_key_get_ref(key));
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    /* The data may have been removed by somebody else. */
    if (fstatat(store->ingests, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
        memset(&status, 0, sizeof status);
    *info = (BerthIngestInfo){
        .key = g_strdup(berth_database_text(rows, 0)),
        .ref = g_strdup(berth_ingest_key_get_ref(berth_database_text(rows, 0))),
        .offset = (uint64_t)status.st_size,
        .total = (uint64_t)sqlite3_column_int64(rows, 1),
        .owner = (uint32_t)sqlite3_column_int64(rows, 2),
        .started_usec = (uint64_t)sqlite3_column_int64(rows, 3),
        .updated_usec = MAX((uint64_t)sqlite3_column_int64(rows, 4),
                            berth_content_store_to_usec(status.st_mtim)),
        .expected = g_strdup(berth_database_text(rows, 5)),
        .lease = g_strdup(berth_database_text(rows, 6)),
    };
    return true;
}

char *berth_content_store_find_ingest(BerthContentStore *store, uint32_t owner, const char *ref,
                                      GError **error) {
    for (int purpose = BERTH_INGEST_OF_CLIENT; purpose <= BERTH_INGEST_OF_TRANSFER; purpose++) {
        g_autofree char *key = berth_ingest_key_new(owner, (BerthIngestPurpose)purpose, ref);
        g_auto(BerthIngestInfo) info = {0};
        if (berth_content_store_status(store, key, &info, NULL))
            return g_steal_pointer(&key);
    }
    berth_error_set(error, BERTH_ERROR_NOT_FOUND, "there is no ingest \"%s\"", ref);
    return NULL;
}

GPtrArray *berth_content_store_list_ingests(BerthContentStore *store, GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_ingest_info);
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthRows) rows = berth_database_query(
        store->database, &local, "SELECT ref FROM ingests ORDER BY started", "");

    while (!local && berth_database_step(rows, &local)) {
        BerthIngestInfo info;
        if (berth_content_store_status(store, berth_database_text(rows, 0), &info, NULL))
            g_ptr_array_add(list, g_memdup2(&info, sizeof info));
    }
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    return g_steal_pointer(&list);
}

/* Inserts the row of an ingest, or compares total with that of the existing row. */
static bool record_ingest(BerthContentStore *store, const char *key, uint64_t total, uint32_t owner,
                          GError **error) {
    g_auto(BerthIngestInfo) info = {0};
    g_autofree char *name = ingest_directory_name(key);
    int64_t now = g_get_real_time();

    if (!berth_content_store_status(store, key, &info, NULL))
        return berth_database_run(store->database, error,
                                  "INSERT INTO ingests (key, ref, total, owner, started, updated)"
                                  "  VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                                  "ssiii", name, key, (int64_t)total, (int64_t)owner, now);
    if (total > 0 && info.total > 0 && total != info.total)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "the ingest \"%s\" was begun with a total of %" G_GUINT64_FORMAT
                               " bytes; abort it to begin another",
                               info.ref, info.total);
    return berth_database_run(
        store->database, error,
        "UPDATE ingests SET updated = ?2, total = max(total, ?3) WHERE key = ?1", "sii", name, now,
        (int64_t)total);
}

/* Returns the bytes of the blobs that owner holds, of its ingests at their expected final size
 * (except that of but_key), and of its containers, volumes and snapshots. */
static uint64_t sum_disk(BerthContentStore *store, uint32_t owner, const char *but_key) {
    g_autoptr(BerthRows) held = berth_provenance_query_held(store->database, owner, NULL);
    g_autoptr(GPtrArray) ingests = berth_content_store_list_ingests(store, NULL);
    uint64_t bytes = 0;

    while (held && berth_database_step(held, NULL)) {
        g_auto(BerthBlob) blob = {0};
        if (berth_content_store_info(store, berth_database_text(held, 0), &blob, NULL))
            berth_size_add(&bytes, blob.size);
    }
    for (guint i = 0; ingests && i < ingests->len; i++) {
        const BerthIngestInfo *info = ingests->pdata[i];
        if (info->owner == owner && !g_str_equal(info->key, but_key))
            berth_size_add(&bytes, MAX(info->offset, info->total));
    }
    berth_size_add(&bytes, berth_disk_usage_sum(store->database, owner));
    return bytes;
}

bool berth_content_store_check_disk(BerthContentStore *store, const char *key, uint32_t owner,
                                    uint64_t more, uint64_t *left, GError **error) {
    uint64_t limit = berth_charge_get_limit(BERTH_RESOURCE_DISK);

    *left = UINT64_MAX / 2;
    if (owner == 0 || limit == UINT64_MAX)
        return true;
    uint64_t present = sum_disk(store, owner, key);
    /* An ingest of unknown size needs at least one byte. */
    if (!berth_charge_check(owner, BERTH_RESOURCE_DISK, present, MAX(more, 1), error))
        return false;
    *left = limit - present;
    return true;
}

int berth_content_store_begin(BerthContentStore *store, const char *key, uint64_t total,
                              uint32_t owner, uint64_t *offset, GError **error) {
    g_autofree char *name = ingest_directory_name(key);
    struct stat status;

    uint64_t left;
    if (!berth_content_store_check_disk(store, key, owner, total, &left, error))
        return -1;
    berth_autofd int directory = berth_directory_make(store->ingests, name, 0700, error);
    if (directory < 0)
        return -1;
    berth_autofd int fd =
        openat(directory, "data", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0444);
    if (fd < 0 || fstat(fd, &status) < 0) {
        berth_error_set_errno(error, errno, "open the ingest \"%s\"",
                              berth_ingest_key_get_ref(key));
        return -1;
    }
    if (!record_ingest(store, key, total, owner, error))
        return -1;
    *offset = (uint64_t)status.st_size;
    return berth_fd_steal(&fd);
}

int berth_content_store_open_ingest(BerthContentStore *store, const char *key) {
    g_autofree char *name = ingest_directory_name(key);
    g_autofree char *path = g_strconcat(name, "/data", NULL);

    return openat(store->ingests, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

bool berth_content_store_intend(BerthContentStore *store, const char *key, const char *expected,
                                const char *lease, GError **error) {
    g_autofree char *name = ingest_directory_name(key);

    return berth_database_run(store->database, error,
                              "UPDATE ingests SET expected = ?2, lease = ?3 WHERE key = ?1", "sss",
                              name, expected, lease);
}

bool berth_content_store_abort(BerthContentStore *store, const char *key, GError **error) {
    g_autofree char *name = ingest_directory_name(key);

    return berth_content_store_remove_ingest(store, name, error);
}

bool berth_content_store_commit(BerthContentStore *store, const char *key, const char *digest,
                                GError **error) {
    g_autofree char *ingest = ingest_directory_name(key);
    g_autofree char *path = g_strconcat(ingest, "/data", NULL);
    const char *name;
    int directory;

    if (!berth_content_store_locate(store, digest, &directory, &name, error))
        return false;
    /* RENAME_NOREPLACE: a blob that already exists stays as it is, and this copy is removed with
     * the ingest. If the service dies before that, the blob is complete, and the next start removes
     * the row of an ingest without data. */
    int r = renameat2(store->ingests, path, directory, name, RENAME_NOREPLACE);
    int errnum = errno;
    if (r < 0 && errnum != EEXIST)
        return berth_error_set_errno(error, errnum, "commit %s", digest);
    if (!berth_content_store_abort(store, key, error))
        return false;
    return r == 0 ||
           berth_error_set(error, BERTH_ERROR_ALREADY_EXISTS, "content %s is here already", digest);
}
