/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One object of a pull: berth-fetch puts its bytes into a pipe, berth-ingest hashes and writes
 * them, and it becomes a blob only as the digest that was asked for.
 */

#include "base/digest.h"
#include "base/fd.h"
#include "images/pull-private.h"
#include "store/lease-store.h"

#include <errno.h>
#include <sys/stat.h>

struct BerthPullObject {
    BerthPull *pull;
    BerthDescriptor *descriptor;
    char *ref;
    bool claimed, waiting;
    bool counted; /* among those that are being fetched */
    int onward;
    int file; /* of the ingest, to see how it grows */
    BerthTransferItem *item;
    unsigned answers; /* of the two workers */
    char *digest;     /* what berth-ingest found */
    uint64_t size;
    GError *fetch_error, *ingest_error;
    BerthPullObjectDone done;
    void *userdata;
};

static void start(BerthPullObject *object);

void berth_pull_object_free(gpointer data) {
    BerthPullObject *object = data;
    BerthContents *contents = object->pull->images->contents;
    struct stat status;
    bool is_empty = object->file >= 0 && fstat(object->file, &status) == 0 && status.st_size == 0;

    if (object->item)
        object->item->poll = NULL;
    if (object->waiting)
        berth_contents_forget_wait(contents, object);
    berth_fd_clear(&object->onward);
    berth_fd_clear(&object->file);
    if (object->claimed) {
        object->claimed = false;
        /* What has come is for the next try; of nothing there is nothing to keep. */
        if (is_empty)
            berth_content_store_abort(berth_contents_get_store(contents), object->ref, NULL);
        berth_contents_release(contents, object->ref);
    }
    g_free(object->ref);
    g_free(object->digest);
    g_clear_error(&object->fetch_error);
    g_clear_error(&object->ingest_error);
    berth_descriptor_free(object->descriptor);
    g_free(object);
}

/* Those in the queue take the place of one that is done. */
static void leave(BerthPullObject *object) {
    BerthPull *pull = object->pull;

    if (object->counted)
        pull->fetching--;
    object->counted = false;
    while (!pull->ended && pull->fetching < pull->images->remotes->settings->parallel_objects) {
        BerthPullObject *next = g_queue_pop_head(&pull->queued);
        if (!next)
            return;
        start(next);
    }
}

static void finish(BerthPullObject *object) {
    BerthPull *pull = object->pull;
    g_autoptr(BerthDescriptor) descriptor = berth_descriptor_copy(object->descriptor);
    BerthPullObjectDone done = object->done;
    void *userdata = object->userdata;
    BerthTransferItem *item = object->item;

    item->poll = NULL;
    item->done = item->total;
    item->phase = "done";
    berth_fd_clear(&object->file);
    if (object->claimed) {
        object->claimed = false;
        berth_contents_release(pull->images->contents, object->ref);
    }
    leave(object);
    done(pull, descriptor, userdata);
}

/* Both workers have answered. What berth-fetch says explains what berth-ingest then lacks. */
static bool check(BerthPullObject *object, GError **error) {
    BerthContents *contents = object->pull->images->contents;
    const BerthDescriptor *descriptor = object->descriptor;
    /* A full disk stops the writer first; the other only finds nobody to write to. */
    bool of_ingest = object->ingest_error &&
                     (object->ingest_error->code == BERTH_ERROR_NO_SPACE || !object->fetch_error ||
                      object->fetch_error->code == BERTH_ERROR_INTERNAL);
    GError *first = of_ingest ? object->ingest_error : object->fetch_error;

    if (first) {
        /* More than it should be is not what was asked for; less may be gone on with. */
        if (first->code == BERTH_ERROR_SIZE_MISMATCH)
            berth_content_store_abort(berth_contents_get_store(contents), object->ref, NULL);
        g_propagate_error(error, g_error_copy(first));
        return false;
    }
    if (object->size != descriptor->size || !g_str_equal(object->digest, descriptor->digest)) {
        /* Wrong content never becomes right by going on. */
        berth_content_store_abort(berth_contents_get_store(contents), object->ref, NULL);
        return object->size != descriptor->size
                   ? berth_error_set(error, BERTH_ERROR_SIZE_MISMATCH,
                                     "the content has %" G_GUINT64_FORMAT
                                     " bytes, not %" G_GUINT64_FORMAT,
                                     object->size, descriptor->size)
                   : berth_error_set(error, BERTH_ERROR_DIGEST_MISMATCH,
                                     "the content has the digest %s", object->digest);
    }
    g_autoptr(GError) local = NULL;
    if (berth_contents_commit(contents, object->ref, descriptor->digest, &local) ||
        local->code == BERTH_ERROR_ALREADY_EXISTS) {
        berth_content_store_set_type(berth_contents_get_store(contents), descriptor->digest,
                                     descriptor->media_type, NULL);
        if (!g_hash_table_contains(object->pull->embedded, descriptor->digest))
            berth_content_store_add_source(berth_contents_get_store(contents), descriptor->digest,
                                           berth_remote_session_get_locator(object->pull->fetch),
                                           NULL);
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

static void take_answer(BerthPullObject *object) {
    g_autoptr(GError) error = NULL;

    if (--object->answers > 0)
        return;
    if (check(object, &error))
        finish(object);
    else
        berth_pull_fail(object->pull, error, object->descriptor->digest);
}

static void on_fetched(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthPullObject *object = userdata;

    (void)reply;
    if (error)
        object->fetch_error = g_error_copy(error);
    take_answer(object);
}

static void on_ingested(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthPullObject *object = userdata;
    const char *digest;

    if (error)
        object->ingest_error = g_error_copy(error);
    else if (sd_bus_message_read(reply, "st", &digest, &object->size) < 0)
        berth_error_set(&object->ingest_error, BERTH_ERROR_INTERNAL,
                        "berth-ingest answered nonsense");
    else
        object->digest = g_strdup(digest);
    take_answer(object);
}

static void send_ingest(BerthPullObject *object, int input, const char *algorithm,
                        uint64_t offset) {
    BerthPull *pull = object->pull;
    bool passes_on = object->onward >= 0;
    sd_bus_message *call =
        berth_worker_new_call(pull->ingest, passes_on ? "IngestOnward" : "Ingest");

    if (call)
        sd_bus_message_append(call, "hhsttb", input, object->file, algorithm, offset,
                              object->descriptor->size, passes_on);
    if (call && passes_on)
        sd_bus_message_append(call, "h", object->onward);
    object->answers++;
    berth_worker_send(pull->ingest, call, on_ingested, object);
    berth_fd_clear(&object->onward);
}

static void send_fetch(BerthPullObject *object, int output, uint64_t offset) {
    BerthPull *pull = object->pull;
    const BerthDescriptor *descriptor = object->descriptor;
    sd_bus_message *call = berth_remote_session_new_call(pull->fetch, "Fetch");

    if (call)
        sd_bus_message_append(call, "(sst)th", descriptor->media_type, descriptor->digest,
                              descriptor->size, offset, output);
    object->answers++;
    berth_remote_session_send(pull->fetch, call, on_fetched, object);
}

/* Content that stood in a document goes the same way, and is hashed as any other. */
static bool send_embedded(BerthPullObject *object, GBytes *embedded, const char *algorithm,
                          uint64_t offset, GError **error) {
    size_t size;
    const void *data = g_bytes_get_data(embedded, &size);
    berth_autofd int input = berth_fd_new_in_memory(data, size, error);

    if (input < 0)
        return false;
    if (lseek(input, (off_t)offset, SEEK_SET) < 0)
        return berth_error_set_errno(error, errno, "go on within a file in memory");
    send_ingest(object, input, algorithm, offset);
    return true;
}

static bool send(BerthPullObject *object, uint64_t offset, GError **error) {
    const char *digest = object->descriptor->digest;
    GBytes *embedded = g_hash_table_lookup(object->pull->embedded, digest);
    BerthAlgorithm algorithm;
    int ends[2];

    if (!berth_digest_parse(digest, &algorithm, error))
        return false;
    const char *name = berth_algorithm_get_name(algorithm);
    if (embedded)
        return send_embedded(object, embedded, name, offset, error);
    if (!berth_fd_pipe(ends, error))
        return false;
    berth_autofd int output = ends[0];
    berth_autofd int input = ends[1];
    send_ingest(object, output, name, offset);
    send_fetch(object, input, offset);
    return true;
}

static bool is_offered(BerthPull *pull, const BerthDescriptor *descriptor, GError **error) {
    BerthKind kind = berth_media_type_get_kind(descriptor->media_type);
    uint64_t limit = pull->images->remotes->settings->max_blob_bytes;

    if (descriptor->size > limit)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                               "a blob of %" G_GUINT64_FORMAT
                               " bytes; the limit is %" G_GUINT64_FORMAT
                               ", MaxBlobSize= of berth.conf",
                               descriptor->size, limit);
    if (kind == BERTH_KIND_LAYER || descriptor->size <= BERTH_PULL_MAX_DOCUMENT_BYTES)
        return true;
    return kind == BERTH_KIND_OTHER ||
           berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                           "a document of %" G_GUINT64_FORMAT " bytes; the limit is %u",
                           descriptor->size, BERTH_PULL_MAX_DOCUMENT_BYTES);
}

static void on_released(void *userdata) {
    BerthPullObject *object = userdata;

    object->waiting = false;
    start(object);
}

static void start(BerthPullObject *object) {
    BerthPull *pull = object->pull;
    BerthContents *contents = pull->images->contents;
    const BerthDescriptor *descriptor = object->descriptor;
    g_autoptr(GError) error = NULL;
    uint64_t offset;

    /* Another transfer may have brought it while this one waited. */
    if (berth_content_store_has(berth_contents_get_store(contents), descriptor->digest)) {
        berth_fd_clear(&object->onward);
        finish(object);
        return;
    }
    if (pull->mode == BERTH_PULL_UNPACK) {
        berth_error_set(&error, BERTH_ERROR_NOT_FOUND,
                        "this content is not here; pull the image again");
        berth_pull_fail(pull, error, descriptor->digest);
        return;
    }
    if (pull->fetching >= pull->images->remotes->settings->parallel_objects) {
        g_queue_push_tail(&pull->queued, object);
        return;
    }
    if (!berth_contents_claim(contents, object->ref, NULL)) {
        object->waiting = true;
        object->item->phase = "waiting";
        berth_contents_wait(contents, object->ref, on_released, object);
        return;
    }
    object->claimed = object->counted = true;
    pull->fetching++;
    object->item->phase = "fetching";
    object->file =
        is_offered(pull, descriptor, &error)
            ? berth_content_store_begin(berth_contents_get_store(contents), object->ref,
                                        descriptor->size, pull->transfer->owner, &offset, &error)
            : -1;
    if (object->file < 0 || !send(object, offset, &error)) {
        berth_pull_fail(pull, error, descriptor->digest);
        return;
    }
    berth_transfer_item_watch_size(object->item, &object->file);
}

/* The same blob twice in one image: the second has a key of its own, and waits for the first. */
static char *find_free_key(BerthPull *pull, const char *digest) {
    GString *key = g_string_new(digest);

    while (g_hash_table_contains(pull->objects, key->str))
        g_string_append_c(key, '+');
    return g_string_free(key, FALSE);
}

void berth_pull_object(BerthPull *pull, const BerthDescriptor *descriptor, BerthTransferItem *item,
                       int onward, BerthPullObjectDone done, void *userdata) {
    berth_autofd int taken = onward;

    berth_pull_pin(pull, descriptor->digest);
    if (pull->lease[0])
        berth_lease_store_add(pull->images->database, pull->lease, descriptor->digest, NULL);
    if (!item)
        item = berth_transfer_add_item(pull->transfer, descriptor->digest, "waiting",
                                       descriptor->size);
    if (berth_content_store_has(berth_contents_get_store(pull->images->contents),
                                descriptor->digest)) {
        item->phase = "exists";
        item->done = item->total;
        done(pull, descriptor, userdata);
        return;
    }
    BerthPullObject *object = g_new0(BerthPullObject, 1);
    object->pull = pull;
    object->descriptor = berth_descriptor_copy(descriptor);
    object->ref = berth_contents_blob_ref(descriptor->digest);
    object->onward = berth_fd_steal(&taken);
    object->file = -1;
    object->done = done;
    object->userdata = userdata;
    object->item = item;
    g_hash_table_insert(pull->objects, find_free_key(pull, descriptor->digest), object);
    start(object);
}
