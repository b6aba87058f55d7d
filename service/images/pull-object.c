/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One object of a pull: berth-fetch puts its bytes into a pipe, berth-ingest hashes and writes
 * them, and it becomes a blob only as the digest that was asked for. What is here already is used
 * if the remote is known to have it or shows that (pull-proof.c), and is fetched otherwise.
 */

#include "base/digest.h"
#include "base/fd.h"
#include "images/pull-private.h"
#include "store/provenance.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct BerthPullObject {
    BerthPull *pull;
    BerthDescriptor *descriptor;
    char *key;    /* of the ingest */
    char *flight; /* what others wait for who fetch it from the same repository, or NULL */
    bool claimed, flying, waiting;
    bool counted;          /* among those that are being fetched */
    BerthPullProof *proof; /* while the remote shows that it has what is here */
    bool asked;            /* it has been asked to */
    bool resumed, again;   /* the ingest began with what an earlier try left; and anew after that */
    int onward;
    int file; /* of the ingest, to see how it grows */
    BerthTransferItem *item;
    unsigned answers; /* of the two workers */
    char *digest;     /* what berth-ingest found */
    uint64_t size;
    GError *fetch_error, *ingest_error;
    BerthPullObjectStream stream;
    BerthPullObjectDone done;
    void *userdata;
};

static void start(BerthPullObject *object);
static void fetch(BerthPullObject *object);

static void release(BerthPullObject *object) {
    BerthContents *contents = object->pull->images->contents;

    if (object->claimed)
        berth_contents_release(contents, object->key);
    if (object->flying)
        berth_contents_release(contents, object->flight);
    object->claimed = object->flying = false;
}

void berth_pull_object_free(gpointer data) {
    BerthPullObject *object = data;
    BerthContents *contents = object->pull->images->contents;
    struct stat status;
    bool is_empty = object->file >= 0 && fstat(object->file, &status) == 0 && status.st_size == 0;

    if (object->item)
        object->item->poll = NULL;
    if (object->waiting)
        berth_contents_forget_wait(contents, object);
    berth_pull_proof_free(object->proof);
    berth_fd_clear(&object->onward);
    berth_fd_clear(&object->file);
    /* What has come is for the next try; of nothing there is nothing to keep. */
    if (object->claimed && is_empty)
        berth_content_store_abort(berth_contents_get_store(contents), object->key, NULL);
    release(object);
    g_free(object->key);
    g_free(object->flight);
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
    while (!berth_operation_has_ended(pull->operation) &&
           pull->fetching < pull->images->remotes->settings->parallel_objects) {
        BerthPullObject *next = g_queue_pop_head(&pull->queued);
        if (!next)
            return;
        start(next);
    }
}

/* It has come, or been shown to be, from this remote for this caller. */
void berth_pull_hold(BerthPull *pull, const char *digest) {
    if (pull->mode != BERTH_PULL_UNPACK)
        berth_provenance_hold(pull->images->database, pull->transfer->owner, digest, NULL);
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
    release(object);
    leave(object);
    berth_pull_hold(pull, descriptor->digest);
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
            berth_content_store_abort(berth_contents_get_store(contents), object->key, NULL);
        g_propagate_error(error, g_error_copy(first));
        return false;
    }
    if (object->size != descriptor->size || !g_str_equal(object->digest, descriptor->digest)) {
        /* Wrong content never becomes right by going on. */
        berth_content_store_abort(berth_contents_get_store(contents), object->key, NULL);
        return object->size != descriptor->size
                   ? berth_error_set(error, BERTH_ERROR_SIZE_MISMATCH,
                                     "the content has %" G_GUINT64_FORMAT
                                     " bytes, not %" G_GUINT64_FORMAT,
                                     object->size, descriptor->size)
                   : berth_error_set(error, BERTH_ERROR_DIGEST_MISMATCH,
                                     "the content has another digest than was asked for");
    }
    g_autoptr(GError) local = NULL;
    if (berth_contents_commit(contents, object->key, descriptor->digest, &local) ||
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

/* What an earlier try left was not a part of it: that is gone now, and nobody's fault but its. */
static bool is_spoilt(const BerthPullObject *object, const GError *error) {
    return object->resumed && !object->again &&
           (error->code == BERTH_ERROR_DIGEST_MISMATCH || error->code == BERTH_ERROR_SIZE_MISMATCH);
}

static void begin_again(BerthPullObject *object) {
    object->again = true;
    g_clear_pointer(&object->digest, g_free);
    g_clear_error(&object->fetch_error);
    g_clear_error(&object->ingest_error);
    object->item->poll = NULL;
    berth_fd_clear(&object->file);
    fetch(object);
}

static void fail(BerthPullObject *object, const GError *error) {
    BerthPull *pull = object->pull;
    BerthTransferItem *item = object->item;
    g_autofree char *digest = g_strdup(object->descriptor->digest);
    bool of_size =
        error->code == BERTH_ERROR_SIZE_MISMATCH || error->code == BERTH_ERROR_LIMIT_EXCEEDED;

    item->poll = NULL;
    leave(object);
    if (of_size && berth_pull_resolve_again(pull, digest)) {
        item->phase = "done";
        item->total = item->done = 0;
    } else {
        berth_pull_fail(pull, error, digest);
    }
}

static void take_answer(BerthPullObject *object) {
    g_autoptr(GError) error = NULL;

    if (--object->answers > 0)
        return;
    if (check(object, &error))
        finish(object);
    else if (is_spoilt(object, error))
        begin_again(object);
    else
        fail(object, error);
}

static void on_fetched(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthPullObject *object = userdata;

    if (error)
        object->fetch_error = g_error_copy(error);
    else
        berth_reply_read_fetched(reply, object->descriptor->size, &object->fetch_error);
    take_answer(object);
}

static void on_ingested(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthPullObject *object = userdata;
    g_autofree char *algorithm =
        g_strndup(object->descriptor->digest, strcspn(object->descriptor->digest, ":"));
    const char *digest;

    if (error)
        object->ingest_error = g_error_copy(error);
    else if (berth_reply_read_ingested(reply, algorithm, object->descriptor->size, &digest,
                                       &object->size, &object->ingest_error))
        object->digest = g_strdup(digest);
    take_answer(object);
}

static void send_ingest(BerthPullObject *object, int input, const char *algorithm,
                        uint64_t offset) {
    BerthPull *pull = object->pull;
    const BerthIngestArguments arguments = {input,     object->file, object->onward,
                                            algorithm, offset,       object->descriptor->size};

    object->answers++;
    berth_call_ingest_ingest(pull->ingest, &arguments, on_ingested, object);
    berth_fd_clear(&object->onward);
}

static void send_fetch(BerthPullObject *object, int output, uint64_t offset) {
    object->answers++;
    berth_call_fetch_fetch(berth_remote_session_get_worker(object->pull->fetch), object->descriptor,
                           offset, output, on_fetched, object);
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

/* Into the ingest, from where an earlier try left it. */
static void fetch(BerthPullObject *object) {
    BerthPull *pull = object->pull;
    const BerthDescriptor *descriptor = object->descriptor;
    g_autoptr(GError) error = NULL;
    uint64_t offset;

    object->item->phase = "fetching";
    object->file = is_offered(pull, descriptor, &error)
                       ? berth_content_store_begin(berth_contents_get_store(pull->images->contents),
                                                   object->key, descriptor->size,
                                                   pull->transfer->owner, &offset, &error)
                       : -1;
    object->resumed = object->file >= 0 && offset > 0;
    /* What is gone on with may turn out to be spoilt. */
    if (object->file >= 0 && object->stream && !object->resumed && !object->again)
        object->onward = object->stream(object->userdata);
    if (object->file < 0 || !send(object, offset, &error)) {
        fail(object, error);
        return;
    }
    berth_transfer_item_watch_size(object->item, &object->file);
}

static void on_proven(bool shown, void *userdata) {
    BerthPullObject *object = userdata;

    g_clear_pointer(&object->proof, berth_pull_proof_free);
    if (!shown) {
        start(object);
        return;
    }
    berth_content_store_add_source(berth_contents_get_store(object->pull->images->contents),
                                   object->descriptor->digest,
                                   berth_remote_session_get_locator(object->pull->fetch), NULL);
    finish(object);
}

/* True while the remote shows that it has what is here: the object goes on when it has. */
static bool is_being_proven(BerthPullObject *object, bool is_here) {
    if (!is_here || object->asked)
        return false;
    object->asked = true;
    object->proof = berth_pull_proof_new(object->pull, object->descriptor, on_proven, object);
    if (object->proof)
        object->item->phase = "checking";
    return object->proof != NULL;
}

/* Whoever fetches the same from the same repository, or writes the same ingest, is waited for. */
static bool claim(BerthPullObject *object) {
    BerthContents *contents = object->pull->images->contents;
    const char *key = object->key;

    if (object->flight && !object->flying) {
        object->flying = berth_contents_claim(contents, object->flight, NULL);
        key = object->flying ? key : object->flight;
    }
    if (!object->flight || object->flying)
        object->claimed = berth_contents_claim(contents, object->key, NULL);
    if (object->claimed)
        return true;
    release(object);
    object->waiting = true;
    object->item->phase = "waiting";
    berth_contents_wait(contents, key, on_released, object);
    return false;
}

static bool has_room(BerthPullObject *object) {
    BerthPull *pull = object->pull;

    if (object->counted)
        return true;
    if (pull->fetching >= pull->images->remotes->settings->parallel_objects) {
        g_queue_push_tail(&pull->queued, object);
        return false;
    }
    object->counted = true;
    pull->fetching++;
    return true;
}

/* While it waits for others it takes nobody's place. */
static void start(BerthPullObject *object) {
    BerthPull *pull = object->pull;
    const char *digest = object->descriptor->digest;
    g_autoptr(GError) error = NULL;
    bool is_here =
        berth_content_store_has(berth_contents_get_store(pull->images->contents), digest);

    /* Another transfer may have brought it while this one waited. */
    if (is_here && berth_pull_may_use(pull, digest)) {
        finish(object);
        return;
    }
    if (pull->mode == BERTH_PULL_UNPACK) {
        berth_error_set(&error, BERTH_ERROR_NOT_FOUND,
                        "this content is not here; pull the image again");
        berth_pull_fail(pull, error, digest);
        return;
    }
    if (!has_room(object) || is_being_proven(object, is_here))
        return;
    if (claim(object))
        fetch(object);
    else
        leave(object);
}

/* The same blob twice in one image: the second has a key of its own, and waits for the first. */
static char *find_free_key(BerthPull *pull, const char *digest) {
    GString *key = g_string_new(digest);

    while (g_hash_table_contains(pull->objects, key->str))
        g_string_append_c(key, '+');
    return g_string_free(key, FALSE);
}

/* Only where nobody but the registry itself can make those wait who share its work. */
static char *make_flight(BerthPull *pull, const char *digest) {
    bool shares = pull->mode != BERTH_PULL_UNPACK && berth_remote_session_is_proven(pull->fetch);

    return shares ? g_strconcat("flight ", berth_remote_session_get_locator(pull->fetch), " ",
                                digest, NULL)
                  : NULL;
}

void berth_pull_object(BerthPull *pull, const BerthDescriptor *descriptor, BerthTransferItem *item,
                       BerthPullObjectStream stream, BerthPullObjectDone done, void *userdata) {
    g_autoptr(GError) error = NULL;

    berth_pull_pin(pull, descriptor->digest);
    /* Without its row the lease would keep nothing, and nobody would know. */
    if (pull->lease && !berth_lease_store_add_to(pull->images->database, pull->lease,
                                                 descriptor->digest, &error)) {
        berth_pull_fail(pull, error, "lease");
        return;
    }
    if (!item)
        item = berth_transfer_add_item(pull->transfer, descriptor->digest, "waiting",
                                       descriptor->size);
    if (berth_content_store_has(berth_contents_get_store(pull->images->contents),
                                descriptor->digest) &&
        berth_pull_may_use(pull, descriptor->digest)) {
        item->phase = "exists";
        item->done = item->total;
        berth_pull_hold(pull, descriptor->digest);
        done(pull, descriptor, userdata);
        return;
    }
    BerthPullObject *object = g_new0(BerthPullObject, 1);
    object->pull = pull;
    object->descriptor = berth_descriptor_copy(descriptor);
    object->key = berth_contents_blob_key(pull->transfer->owner, descriptor->digest);
    object->flight = make_flight(pull, descriptor->digest);
    object->onward = object->file = -1;
    object->stream = stream;
    object->done = done;
    object->userdata = userdata;
    object->item = item;
    g_hash_table_insert(pull->objects, find_free_key(pull, descriptor->digest), object);
    start(object);
}
