/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * BerthContentStore holds the descriptors of content/, of its blob directories and of ingest/; the
 * service owns it for its whole life. This file has the blobs. They have no states: each is
 * complete, verified and synced from the rename that makes it appear (ingest-store.c) until its
 * deletion.
 */

#include "store/content-store-private.h"

#include "store/disk-usage.h"
#include "store/provenance.h"

#include "base/charge.h"
#include "base/directory.h"
#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_SOURCES = 16 };

static const char layout_file[] = "{\"imageLayoutVersion\":\"1.0.0\"}\n";

void berth_blob_clear(BerthBlob *blob) {
    g_clear_pointer(&blob->digest, g_free);
}

static void free_blob(gpointer data) {
    berth_blob_clear(data);
    g_free(data);
}

/* Writes the oci-layout file (OCI image-layout.md). It is synced before it is renamed: if it
 * exists, it is complete. */
static bool write_layout_file(int content, GError **error) {
    if (faccessat(content, "oci-layout", F_OK, 0) == 0)
        return true;
    berth_autofd int fd =
        openat(content, "oci-layout.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || !berth_fd_write_all(fd, layout_file, strlen(layout_file)) || fsync(fd) < 0 ||
        renameat(content, "oci-layout.new", content, "oci-layout") < 0) {
        int failure = errno;
        g_autofree char *path = berth_directory_path_of(content, "oci-layout");
        return berth_error_set_errno(error, failure, "write %s", path);
    }
    return true;
}

bool berth_content_store_remove_ingest(BerthContentStore *store, const char *name, GError **error) {
    return berth_database_run(store->database, error, "DELETE FROM ingests WHERE key = ?1", "s",
                              name) &&
           berth_fd_remove_tree(store->ingests, name, error);
}

/* Whether the ingest has a row, of an ingest that can be resumed, and data; false with error set if
 * that cannot be determined. */
static bool examine_ingest(BerthContentStore *store, const char *name, bool *has_row,
                           bool *has_data, GError **error) {
    g_autofree char *data = g_strconcat(name, "/data", NULL);
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthRows) rows = berth_database_query(
        store->database, &local, "SELECT ref FROM ingests WHERE key = ?1", "s", name);
    bool found = rows && berth_database_step(rows, &local) &&
                 berth_ingest_key_is_lasting(berth_database_text(rows, 0));

    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    bool exists = faccessat(store->ingests, data, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    /* ENOTDIR: a file, which no ingest is. */
    if (!exists && errno != ENOENT && errno != ENOTDIR)
        return berth_error_set_errno(error, errno, "examine an ingest");
    *has_row = found;
    *has_data = exists;
    return true;
}

/* An ingest's directory is created before its row and removed after it, so a crash in between
 * leaves a directory without a row. A row is written after the data and removed after a commit has
 * renamed them (berth_content_store_commit), so a crash in between leaves a row without data. What
 * a crash leaves of a commit or an import, nobody resumes. An ingest that cannot be examined may be
 * whole, and is left for the next start. */
static bool remove_orphan(BerthContentStore *store, const char *name, GError **error) {
    g_autoptr(GError) failure = NULL;
    bool has_row, has_data;

    if (!examine_ingest(store, name, &has_row, &has_data, &failure)) {
        berth_log_warning(NULL, NULL, "Keeping the ingest %s: %s", name, failure->message);
        return true;
    }
    if (has_row && has_data)
        return true;
    berth_log(LOG_NOTICE, BERTH_MESSAGE_STATE_REPAIRED, NULL, NULL, "Removing the %s ingest %s",
              has_data ? "incomplete" : "empty", name);
    return berth_content_store_remove_ingest(store, name, error);
}

/* One that cannot be removed is left for the next start. */
static bool content_store_remove_orphans(BerthContentStore *store, GError **error) {
    berth_autolist DIR *list = berth_directory_list(store->ingests);
    const char *name;

    if (!list)
        return berth_error_set_errno(error, errno, "list ingests");
    while ((name = berth_directory_next(list))) {
        g_autoptr(GError) failure = NULL;
        if (name[0] != '.' && !remove_orphan(store, name, &failure))
            berth_log_warning(NULL, NULL, "Cannot remove the ingest %s: %s", name,
                              failure->message);
    }
    return true;
}

BerthContentStore *berth_content_store_open(int directory, BerthDatabase *database,
                                            GError **error) {
    BerthContentStore *store = g_new0(BerthContentStore, 1);
    berth_autofd int blobs = -1;

    store->database = database;
    store->ingests = -1;
    for (int i = 0; i < BERTH_ALGORITHMS; i++)
        store->blobs[i] = -1;
    store->content = berth_directory_make(directory, "content", 0700, error);
    bool opened = store->content >= 0 &&
                  (blobs = berth_directory_make(store->content, "blobs", 0700, error)) >= 0;
    for (int i = 0; opened && i < BERTH_ALGORITHMS; i++)
        opened = (store->blobs[i] =
                      berth_directory_make(blobs, berth_algorithm_get_name(i), 0700, error)) >= 0;
    if (!opened || !write_layout_file(store->content, error) ||
        (store->ingests = berth_directory_make(store->content, "ingest", 0700, error)) < 0 ||
        !content_store_remove_orphans(store, error)) {
        berth_content_store_free(store);
        return NULL;
    }
    return store;
}

void berth_content_store_free(BerthContentStore *store) {
    if (!store)
        return;
    berth_fd_clear(&store->content);
    berth_fd_clear(&store->ingests);
    for (int i = 0; i < BERTH_ALGORITHMS; i++)
        berth_fd_clear(&store->blobs[i]);
    g_free(store);
}

/* Nearly all digests are SHA-256, so that only the other directories are examined. One that cannot
 * be read may have blobs. */
GArray *berth_content_store_list_directories(BerthContentStore *store) {
    GArray *directories = g_array_new(FALSE, FALSE, sizeof(int));

    for (int i = 0; i < BERTH_ALGORITHMS; i++) {
        berth_autolist DIR *list =
            i == BERTH_ALGORITHM_SHA256 ? NULL : berth_directory_list(store->blobs[i]);
        if (!list || berth_directory_next(list))
            g_array_append_val(directories, store->blobs[i]);
    }
    return directories;
}

static bool content_not_found(const char *digest, GError **error) {
    return berth_error_set(error, BERTH_ERROR_NOT_FOUND, "content %s is not here", digest);
}

/* Validates a digest passed in by a caller, and returns its directory and file name. */
bool berth_content_store_locate(BerthContentStore *store, const char *digest, int *directory,
                                const char **name, GError **error) {
    BerthAlgorithm algorithm;

    if (!berth_digest_parse(digest, &algorithm, error))
        return false;
    *directory = store->blobs[algorithm];
    *name = berth_digest_get_hex(digest);
    return true;
}

bool berth_content_store_has(BerthContentStore *store, const char *digest) {
    const char *name;
    int directory;

    return berth_content_store_locate(store, digest, &directory, &name, NULL) &&
           faccessat(directory, name, F_OK, 0) == 0;
}

uint64_t berth_content_store_to_usec(struct timespec time) {
    return (uint64_t)time.tv_sec * G_USEC_PER_SEC + (uint64_t)time.tv_nsec / 1000;
}

bool berth_content_store_info(BerthContentStore *store, const char *digest, BerthBlob *blob,
                              GError **error) {
    struct stat status;
    const char *name;
    int directory;

    if (!berth_content_store_locate(store, digest, &directory, &name, error))
        return false;
    if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? content_not_found(digest, error)
                               : berth_error_set_errno(error, errno, "examine blob %s", digest);
    *blob = (BerthBlob){g_strdup(digest), (uint64_t)status.st_size,
                        berth_content_store_to_usec(status.st_ctim)};
    return true;
}

int berth_content_store_open_blob(BerthContentStore *store, const char *digest, GError **error) {
    const char *name;
    int directory;

    if (!berth_content_store_locate(store, digest, &directory, &name, error))
        return -1;
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        content_not_found(digest, error);
    else if (fd < 0)
        berth_error_set_errno(error, errno, "open blob %s", digest);
    return fd;
}

bool berth_content_store_unlink(BerthContentStore *store, const char *digest, GError **error) {
    const char *name;
    int directory;

    if (!berth_content_store_locate(store, digest, &directory, &name, error))
        return false;
    if (unlinkat(directory, name, 0) < 0)
        return errno == ENOENT ? content_not_found(digest, error)
                               : berth_error_set_errno(error, errno, "delete blob %s", digest);
    return true;
}

/* Skips names that are not digests, and blobs that are deleted while the directory is being
 * read. */
static bool list_directory(BerthContentStore *store, BerthAlgorithm algorithm, GPtrArray *blobs,
                           GError **error) {
    berth_autolist DIR *list = berth_directory_list(store->blobs[algorithm]);
    const char *name;

    if (!list)
        return berth_error_set_errno(error, errno, "list blobs");
    while ((name = berth_directory_next(list))) {
        g_autofree char *digest = g_strconcat(berth_algorithm_get_name(algorithm), ":", name, NULL);
        BerthBlob blob;
        if (berth_digest_is_valid(digest) && berth_content_store_info(store, digest, &blob, NULL))
            g_ptr_array_add(blobs, g_memdup2(&blob, sizeof blob));
    }
    return true;
}

GPtrArray *berth_content_store_list(BerthContentStore *store, GError **error) {
    g_autoptr(GPtrArray) blobs = g_ptr_array_new_with_free_func(free_blob);

    for (int i = 0; i < BERTH_ALGORITHMS; i++)
        if (!list_directory(store, i, blobs, error))
            return NULL;
    return g_steal_pointer(&blobs);
}

/* A blob has no media type of its own: this is the one in the descriptor that most recently
 * referred to it. */
bool berth_content_store_set_type(BerthContentStore *store, const char *digest,
                                  const char *media_type, GError **error) {
    return berth_database_run(store->database, error,
                              "INSERT OR REPLACE INTO types VALUES (?1, ?2)", "ss", digest,
                              media_type);
}

char *berth_content_store_get_type(BerthContentStore *store, const char *digest) {
    g_autoptr(BerthRows) rows = berth_database_query(
        store->database, NULL, "SELECT media_type FROM types WHERE digest = ?1", "s", digest);

    return g_strdup(rows && berth_database_step(rows, NULL) ? berth_database_text(rows, 0) : "");
}

/* Used by the collection: a rename takes a blob out of the store, and a worker frees the space
 * later. */
bool berth_content_store_move(BerthContentStore *store, const char *digest, int directory,
                              GError **error) {
    const char *name;
    int from;

    if (!berth_content_store_locate(store, digest, &from, &name, error))
        return false;
    if (renameat(from, name, directory, name) < 0)
        return errno == ENOENT ? content_not_found(digest, error)
                               : berth_error_set_errno(error, errno, "move blob %s", digest);
    return true;
}

int berth_content_store_get_root(BerthContentStore *store) {
    return store->content;
}

bool berth_content_store_add_source(BerthContentStore *store, const char *digest,
                                    const char *locator, uint32_t owner, GError **error) {
    return berth_database_run(store->database, error,
                              "INSERT OR IGNORE INTO sources VALUES (?1, ?2, ?3)", "ssi", digest,
                              locator, (int64_t)owner);
}

bool berth_content_store_has_source(BerthContentStore *store, const char *digest,
                                    const char *locator) {
    g_autoptr(BerthRows) rows = berth_database_query(
        store->database, NULL, "SELECT 1 FROM sources WHERE digest = ?1 AND locator = ?2", "ss",
        digest, locator);

    return rows && berth_database_step(rows, NULL);
}

/* Each source may be tried in turn, to fetch the blob again or to mount it during a push: hence the
 * limit, and the order, by which sources of another user displace none of the caller's. */
char **berth_content_store_get_sources(BerthContentStore *store, const char *digest, uint32_t owner,
                                       const char *name) {
    static const char query[] =
        "SELECT locator, max(owner = ?2) AS own, substr(?3, 1, length(locator)) = locator"
        "  AND substr(?3, length(locator) + 1, 1) IN (':', '@') AS named"
        "  FROM sources WHERE digest = ?1 GROUP BY locator HAVING own OR named OR ?2 = 0"
        "  ORDER BY own DESC, named DESC LIMIT ?4";
    g_autoptr(GPtrArray) locators = g_ptr_array_new();
    g_autoptr(BerthRows) rows =
        berth_database_query(store->database, NULL, query, "sisi", digest, (int64_t)owner,
                             name ? name : "", (int64_t)MAX_SOURCES);

    while (rows && berth_database_step(rows, NULL))
        g_ptr_array_add(locators, g_strdup(berth_database_text(rows, 0)));
    g_ptr_array_add(locators, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&locators), FALSE);
}
