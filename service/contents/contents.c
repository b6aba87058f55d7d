/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * BerthContents combines the content store with the state of the running service: claims (claim.c),
 * pins (pins.c) and ingests of clients (ingest-session.c). berthd owns it for its whole life. The
 * functions here add blobs to the store and remove them; each reports to the single observer, which
 * sends the signals.
 *
 * None of them checks rights, which is up to the callers, except that the error of a deletion does
 * not name images that the caller may not see.
 */

#include "contents/contents.h"

#include "base/directory.h"
#include "base/fd.h"
#include "base/log.h"
#include "contents/contents-private.h"
#include "snapshots/trash.h"
#include "store/image-store.h"
#include "store/lease-store.h"
#include "store/provenance.h"
#include "store/reach.h"
#include "worker/calls.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

enum { SAMPLES = 4, SAMPLE_BYTES = 4096 };

BerthContents *berth_contents_new(sd_event *event, BerthContentStore *store,
                                  BerthDatabase *database, BerthRemotes *remotes) {
    BerthContents *contents = g_new0(BerthContents, 1);

    contents->event = sd_event_ref(event);
    contents->store = store;
    contents->database = database;
    contents->remotes = remotes;
    contents->writers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    contents->waiters = g_ptr_array_new();
    contents->pins = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    berth_trash_sweep(event, berth_content_store_get_root(store));
    return contents;
}

void berth_contents_free(BerthContents *contents) {
    if (!contents)
        return;
    /* Sessions first: freeing one releases its claim, which uses the tables below. */
    g_clear_pointer(&contents->sessions, g_hash_table_unref);
    g_hash_table_unref(contents->writers);
    g_hash_table_unref(contents->pins);
    g_ptr_array_unref(contents->waiters);
    if (contents->released)
        sd_event_source_disable_unref(contents->released);
    sd_event_unref(contents->event);
    g_free(contents);
}

void berth_contents_observe(BerthContents *contents, BerthContentObserver observer,
                            void *userdata) {
    contents->observer = observer;
    contents->userdata = userdata;
}

BerthContentStore *berth_contents_get_store(BerthContents *contents) {
    return contents->store;
}

bool berth_contents_is_claimed(BerthContents *contents, const char *ref) {
    return g_hash_table_contains(contents->writers, ref);
}

/* Whether both files have the same bytes there. */
static bool are_same_at(int one, int other, off_t offset, size_t size) {
    char bytes[SAMPLE_BYTES], others[SAMPLE_BYTES];

    return pread(one, bytes, size, offset) == (ssize_t)size &&
           pread(other, others, size, offset) == (ssize_t)size && memcmp(bytes, others, size) == 0;
}

/* Compares ranges at random offsets, and the end; all of a file that is not larger than that. */
static bool are_same_samples(int one, int other, uint64_t size) {
    uint64_t random[SAMPLES], offset = 0;

    if (size <= SAMPLES * SAMPLE_BYTES) {
        for (; offset < size; offset += SAMPLE_BYTES)
            if (!are_same_at(one, other, (off_t)offset, MIN(size - offset, SAMPLE_BYTES)))
                return false;
        return true;
    }
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return false;
    random[0] = size - SAMPLE_BYTES;
    for (size_t i = 0; i < SAMPLES; i++)
        if (!are_same_at(one, other, (off_t)(random[i] % (size - SAMPLE_BYTES + 1)), SAMPLE_BYTES))
            return false;
    return true;
}

/* Not all of it is compared, since this runs in the service's loop. */
bool berth_contents_check_ingest(BerthContents *contents, const char *key, const char *digest,
                                 GError **error) {
    struct stat ours, theirs;

    if (!berth_content_store_has(contents->store, digest))
        return true;
    berth_autofd int blob = berth_content_store_open_blob(contents->store, digest, error);
    if (blob < 0)
        return false;
    berth_autofd int data = berth_content_store_open_ingest(contents->store, key);
    if (data >= 0 && fstat(blob, &ours) == 0 && fstat(data, &theirs) == 0 &&
        ours.st_size == theirs.st_size && are_same_samples(blob, data, (uint64_t)ours.st_size))
        return true;
    berth_content_store_abort(contents->store, key, NULL);
    return berth_error_set(error, BERTH_ERROR_INTERNAL,
                           "the data is not that which is stored as %s; verify the stored content",
                           digest);
}

bool berth_contents_commit(BerthContents *contents, const char *key, const char *digest,
                           GError **error) {
    g_auto(BerthBlob) blob = {0};

    if (!berth_content_store_commit(contents->store, key, digest, error))
        return false;
    if (contents->observer && berth_content_store_info(contents->store, digest, &blob, NULL))
        contents->observer(digest, blob.size, BERTH_CONTENT_COMMITTED, contents->userdata);
    return true;
}

char *berth_contents_blob_key(uint32_t owner, const char *digest) {
    g_autofree char *ref = g_strconcat(BERTH_INGEST_OF_BLOB, digest, NULL);

    return berth_ingest_key_new(owner, BERTH_INGEST_OF_TRANSFER, ref);
}

/* The name of a directory that the next start empties if the service dies before that. */
static char *new_trash_name(void) {
    static unsigned counter;

    return g_strdup_printf(BERTH_TRASH_PREFIX "blobs-%" G_GINT64_FORMAT "-%u", g_get_real_time(),
                           counter++);
}

/* A full disk may have no room for the directory: *trash is then still -1. */
static bool open_trash(int root, const char *name, int *trash, GError **error) {
    if (*trash >= 0)
        return true;
    if (mkdirat(root, name, 0700) < 0)
        return errno == ENOSPC || errno == EDQUOT ||
               berth_error_set_errno(error, errno, "make a directory for deleted files");
    *trash = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *trash >= 0 || berth_error_set_errno(error, errno, "open %s", name);
}

/* Moves the blob to the trash. If there is none (-1), or if the full disk has no room for another
 * name, it is deleted at once, which makes room. */
static bool remove_blob(BerthContents *contents, const char *digest, int trash, GError **error) {
    g_autoptr(GError) local = NULL;

    if (trash >= 0 && berth_content_store_move(contents->store, digest, trash, &local))
        return true;
    if (!local || local->code == BERTH_ERROR_NO_SPACE)
        return berth_content_store_unlink(contents->store, digest, error);
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

static bool discard_blob(BerthContents *contents, const char *digest, int trash, GError **error) {
    g_auto(BerthBlob) blob = {0};

    if (!berth_content_store_info(contents->store, digest, &blob, error) ||
        !remove_blob(contents, digest, trash, error))
        return false;
    if (contents->observer)
        contents->observer(blob.digest, blob.size, BERTH_CONTENT_DELETED, contents->userdata);
    return true;
}

/* Blobs are renamed, which takes the same time for any size, into one directory that a worker
 * empties. */
bool berth_contents_discard(BerthContents *contents, GPtrArray *digests, GError **error) {
    int root = berth_content_store_get_root(contents->store);
    g_autofree char *name = new_trash_name();
    berth_autofd int trash = -1;
    bool good = true;

    for (guint i = 0; good && i < digests->len; i++)
        good = open_trash(root, name, &trash, error) &&
               discard_blob(contents, digests->pdata[i], trash, error);
    if (trash >= 0)
        berth_trash_empty(contents->event, root, name);
    return good;
}

/* The file goes first: only the file makes the blob exist. If a crash leaves labels behind, the
 * next collection removes them (berth_reach_forget). A worker is started only for a file that takes
 * long to free. */
static bool delete_blob(BerthContents *contents, const char *digest, GError **error) {
    int root = berth_content_store_get_root(contents->store);
    g_autofree char *name = new_trash_name();
    berth_autofd int trash = -1;
    bool deleted = open_trash(root, name, &trash, error) &&
                   remove_blob(contents, digest, trash, error) &&
                   berth_database_set_labels(contents->database, "blob", digest, NULL, error);

    if (trash >= 0 && !berth_fd_remove_small_tree(root, name, 1, NULL))
        berth_trash_empty(contents->event, root, name);
    return deleted;
}

bool berth_contents_delete(BerthContents *contents, const char *digest, bool force,
                           bool sees_images, GError **error) {
    g_auto(BerthBlob) blob = {0};

    if (!berth_content_store_info(contents->store, digest, &blob, error))
        return false;
    g_autofree char *user = berth_reach_find_image(contents->database, digest);
    if (user && !force && !sees_images)
        return berth_error_set(error, BERTH_ERROR_IN_USE, "content %s belongs to an image", digest);
    if (user && !force)
        return berth_error_set(error, BERTH_ERROR_IN_USE,
                               "content %s belongs to the image \"%s\"; delete that first", digest,
                               user);
    if (!force && berth_contents_is_pinned(contents, digest))
        return berth_error_set(error, BERTH_ERROR_IN_USE,
                               "a transfer or a mount of a container needs the content %s", digest);
    if (!force && berth_lease_store_keeps(contents->database, digest))
        return berth_error_set(error, BERTH_ERROR_IN_USE, "a lease keeps the content %s", digest);
    if (!delete_blob(contents, digest, error))
        return false;
    /* Content to which an image still refers may be fetched again, so its sources and holders
     * remain recorded. */
    if (!user && !berth_provenance_forget(contents->database, digest, error))
        return false;
    if (contents->observer)
        contents->observer(digest, blob.size, BERTH_CONTENT_DELETED, contents->userdata);
    return true;
}

/* The file is kept for the administrator, who may want to find out how it was damaged. Its name is
 * free from now on, so that the blob can be fetched again. */
bool berth_contents_set_aside(BerthContents *contents, const char *digest, GError **error) {
    int root = berth_content_store_get_root(contents->store);
    g_auto(BerthBlob) blob = {0};

    berth_autofd int damaged = berth_directory_make(root, "damaged", 0700, error);
    if (damaged < 0 || !berth_content_store_info(contents->store, digest, &blob, error) ||
        !berth_content_store_move(contents->store, digest, damaged, error))
        return false;
    if (contents->observer)
        contents->observer(digest, blob.size, BERTH_CONTENT_DELETED, contents->userdata);
    return true;
}

void berth_contents_sync(BerthContents *contents, BerthWorker *ingest, BerthWorkerReply reply,
                         void *userdata) {
    g_autoptr(GArray) directories = berth_content_store_list_directories(contents->store);

    berth_call_ingest_sync(ingest, directories, reply, userdata);
}

void berth_contents_expire_ingests(BerthContents *contents, int64_t life_usec) {
    g_autoptr(GPtrArray) ingests = berth_content_store_list_ingests(contents->store, NULL);
    uint64_t oldest = (uint64_t)(g_get_real_time() - life_usec);

    for (guint i = 0; ingests && i < ingests->len; i++) {
        const BerthIngestInfo *info = ingests->pdata[i];
        /* A claim means that it is being written, however slowly. */
        if (info->updated_usec > oldest || berth_contents_is_claimed(contents, info->key))
            continue;
        berth_log(LOG_INFO, BERTH_MESSAGE_CONTENT_PRUNED, NULL, NULL,
                  "Removing the ingest \"%s\", left alone with %" G_GUINT64_FORMAT " bytes",
                  info->ref, info->offset);
        berth_content_store_abort(contents->store, info->key, NULL);
    }
}
