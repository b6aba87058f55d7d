/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One object of a pull: berth-fetch writes its bytes into a pipe, berth-ingest hashes and stores
 * them, and it becomes a blob only if it has the requested digest. Content that is already stored
 * is used if the remote is known to have it or proves that it does (pull-proof.c); otherwise it is
 * fetched like any other. The scheduler (pull-objects.c) owns it and decides when it may start; the
 * states are in pull-private.h.
 */

#include "base/fd.h"
#include "base/limits.h"
#include "contents/ingestion.h"
#include "images/pull-private.h"
#include "store/provenance.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

typedef enum {
    ATTEMPT_FROM_START,
    ATTEMPT_RESUMED, /* continues from the data of an earlier attempt */
    ATTEMPT_AGAIN,   /* from the start, since that data turned out to be wrong */
} Attempt;

struct BerthPullObject {
    const BerthPullContext *context;
    BerthPullObjectState state;
    Attempt attempt;
    BerthDescriptor *descriptor;
    GBytes *embedded;
    BerthTransferItem *item;
    char *key;              /* of the ingest */
    BerthPullClaims claims; /* on key, and on fetching it from this repository */
    BerthPullProof *proof;  /* while the remote proves that it has the content */
    bool was_asked_for_proof;
    BerthIngestion *ingestion; /* while fetching */
    BerthPullStream stream;
    void *stream_userdata;
    BerthPullObjectChanged changed;
    void *userdata;
};

static void pull_object_on_released(void *userdata);

/* Records that this remote has sent or proven the content: it belongs to the caller from now on. */
static void pull_hold(const BerthPullContext *context, const char *digest) {
    if (context->mode != BERTH_PULL_UNPACK)
        berth_provenance_hold(context->images->database, context->transfer->owner, digest, NULL);
}

/* Records that this repository has the content: the caller's later transfers may use it as a
 * source. */
static void pull_note_source(const BerthPullContext *context, const char *digest) {
    if (context->mode != BERTH_PULL_UNPACK)
        berth_content_store_add_source(berth_contents_get_store(context->images->contents), digest,
                                       berth_remote_session_get_locator(context->fetch),
                                       context->transfer->owner, NULL);
}

bool berth_pull_use_stored(const BerthPullContext *context, const char *digest) {
    if (!berth_pull_may_use(context, digest))
        return false;
    pull_note_source(context, digest);
    pull_hold(context, digest);
    return true;
}

bool berth_pull_is_stored(const BerthPullContext *context, const char *digest) {
    return berth_content_store_has(berth_contents_get_store(context->images->contents), digest);
}

BerthPullObject *berth_pull_object_new(const BerthPullContext *context,
                                       const BerthPullObjectRequest *request) {
    BerthPullObject *object = g_new0(BerthPullObject, 1);
    const char *digest = request->descriptor->digest;

    object->context = context;
    object->descriptor = berth_descriptor_copy(request->descriptor);
    object->embedded = request->embedded ? g_bytes_ref(request->embedded) : NULL;
    object->item = request->item;
    object->key = berth_contents_blob_key(context->transfer->owner, digest);
    berth_pull_claims_init(&object->claims, context,
                           &(BerthPullClaimsRequest){object->key, "flight", digest},
                           pull_object_on_released, object);
    object->stream = request->stream;
    object->stream_userdata = request->stream_userdata;
    object->changed = request->changed;
    object->userdata = request->userdata;
    return object;
}

void berth_pull_object_free(BerthPullObject *object) {
    if (!object)
        return;
    object->item->poll = NULL;
    berth_pull_proof_free(object->proof);
    /* The bytes that have arrived are kept for the next attempt. */
    berth_ingestion_free(object->ingestion);
    berth_pull_claims_clear(&object->claims);
    g_clear_pointer(&object->embedded, g_bytes_unref);
    berth_descriptor_free(object->descriptor);
    g_free(object->key);
    g_free(object);
}

BerthPullObjectState berth_pull_object_get_state(const BerthPullObject *object) {
    return object->state;
}

/* The only function that changes the state. The callback may free the object. */
static void pull_object_set_state(BerthPullObject *object, BerthPullObjectState state,
                                  const GError *error) {
    static const char *const phases[] = {
        [BERTH_PULL_OBJECT_QUEUED] = "waiting",  [BERTH_PULL_OBJECT_PROVING] = "checking",
        [BERTH_PULL_OBJECT_WAITING] = "waiting", [BERTH_PULL_OBJECT_FETCHING] = "fetching",
        [BERTH_PULL_OBJECT_DONE] = "done",       [BERTH_PULL_OBJECT_FAILED] = NULL,
    };

    object->state = state;
    if (phases[state])
        object->item->phase = phases[state];
    if (state != BERTH_PULL_OBJECT_PROVING && state != BERTH_PULL_OBJECT_FETCHING)
        object->changed(object, error, object->userdata);
}

static void pull_object_fail(BerthPullObject *object, const GError *error) {
    object->item->poll = NULL;
    pull_object_set_state(object, BERTH_PULL_OBJECT_FAILED, error);
}

/* Releases the claims before it reports: pulls that wait for them continue in a separate iteration
 * of the loop, and then find the content in the store. */
static void pull_object_finish(BerthPullObject *object) {
    object->item->poll = NULL;
    object->item->done = object->item->total;
    g_clear_pointer(&object->ingestion, berth_ingestion_free);
    berth_pull_claims_release(&object->claims);
    pull_hold(object->context, object->descriptor->digest);
    pull_object_set_state(object, BERTH_PULL_OBJECT_DONE, NULL);
}

/* Content that was embedded in a document is not known to exist as an object of this repository. */
static void pull_object_note_source(BerthPullObject *object) {
    if (!object->embedded)
        pull_note_source(object->context, object->descriptor->digest);
}

/* Commits only the requested content: size and digest must be those of the descriptor. */
static bool pull_object_commit(BerthPullObject *object, const char *digest, uint64_t size,
                               GError **error) {
    BerthContentStore *store = berth_contents_get_store(object->context->images->contents);
    const BerthDescriptor *descriptor = object->descriptor;

    if (size != descriptor->size)
        return berth_error_set(error, BERTH_ERROR_SIZE_MISMATCH,
                               "the content has %" G_GUINT64_FORMAT
                               " bytes, not %" G_GUINT64_FORMAT,
                               size, descriptor->size);
    if (!g_str_equal(digest, descriptor->digest))
        return berth_error_set(error, BERTH_ERROR_DIGEST_MISMATCH,
                               "the content does not have the requested digest");
    if (!berth_ingestion_commit(object->ingestion, digest, error))
        return false;
    berth_content_store_set_type(store, digest, descriptor->media_type, NULL);
    pull_object_note_source(object);
    return true;
}

static void pull_object_fetch(BerthPullObject *object);

static bool is_mismatch(const GError *error) {
    return error->code == BERTH_ERROR_DIGEST_MISMATCH || error->code == BERTH_ERROR_SIZE_MISMATCH;
}

static void pull_object_on_ingested(const char *digest, uint64_t size, const GError *error,
                                    void *userdata) {
    BerthPullObject *object = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (!local && pull_object_commit(object, digest, size, &local)) {
        pull_object_finish(object);
        return;
    }
    /* Wrong content cannot be corrected by resuming it; incomplete content can be completed. */
    if (is_mismatch(local))
        berth_ingestion_discard(object->ingestion);
    /* If it was resumed, the data of the earlier attempt may be at fault. */
    if (is_mismatch(local) && object->attempt == ATTEMPT_RESUMED) {
        object->attempt = ATTEMPT_AGAIN;
        object->item->poll = NULL;
        g_clear_pointer(&object->ingestion, berth_ingestion_free);
        pull_object_fetch(object);
        return;
    }
    pull_object_fail(object, local);
}

static void pull_object_on_fetched(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthPullObject *object = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (!local)
        berth_reply_read_fetched(reply, object->descriptor->size, &local);
    berth_ingestion_source_ended(object->ingestion, local);
}

/* Requests the missing bytes from berth-fetch. The message holds a duplicate of the pipe's end; the
 * one in this process is closed on return, since berth-ingest sees the end of the data only after
 * every writer has closed the pipe (pipe(7)). */
static bool pull_object_send(BerthPullObject *object, int growth, GError **error) {
    uint64_t offset = berth_ingestion_get_offset(object->ingestion);
    berth_autofd int input = berth_ingestion_open_pipe(object->ingestion, growth, error);

    if (input < 0)
        return false;
    berth_call_fetch_fetch(berth_remote_session_get_worker(object->context->fetch),
                           object->descriptor, offset, input, pull_object_on_fetched, object);
    return true;
}

/* Embedded content takes the same path and is hashed like any other. */
static bool pull_object_send_embedded(BerthPullObject *object, int growth, GError **error) {
    uint64_t offset = berth_ingestion_get_offset(object->ingestion);
    size_t size;
    const void *data = g_bytes_get_data(object->embedded, &size);
    berth_autofd int input = berth_fd_new_in_memory(data, size, error);

    if (input < 0)
        return false;
    if (lseek(input, (off_t)offset, SEEK_SET) < 0)
        return berth_error_set_errno(error, errno, "resume from a file in memory");
    berth_ingestion_read_file(object->ingestion, input, growth);
    return true;
}

/* Checked before anything is fetched. Documents have a limit of their own, since berth-inspect does
 * not read larger ones; layers and content of unknown types have the limit of blobs. */
static bool pull_object_check_size(const BerthPullObject *object, GError **error) {
    const BerthDescriptor *descriptor = object->descriptor;
    BerthKind kind = berth_media_type_get_kind(descriptor->media_type);
    uint64_t limit = object->context->images->remotes->settings->max_blob_bytes;

    if (descriptor->size > limit)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                               "a blob of %" G_GUINT64_FORMAT
                               " bytes; the limit is %" G_GUINT64_FORMAT
                               ", MaxBlobSize= of berth.conf",
                               descriptor->size, limit);
    if (kind == BERTH_KIND_LAYER || descriptor->size <= BERTH_MAX_DOCUMENT_BYTES)
        return true;
    return kind == BERTH_KIND_OTHER ||
           berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                           "a document of %" G_GUINT64_FORMAT " bytes; the limit is %u",
                           descriptor->size, BERTH_MAX_DOCUMENT_BYTES);
}

/* What has arrived of a document is of little use for another attempt. */
static bool is_worth_resuming(const BerthDescriptor *descriptor) {
    BerthKind kind = berth_media_type_get_kind(descriptor->media_type);

    return kind == BERTH_KIND_LAYER || kind == BERTH_KIND_OTHER;
}

/* Opens the ingest, which may contain data of an earlier attempt. Its limit is the size in the
 * descriptor: berth-ingest does not accept more. */
static bool pull_object_open(BerthPullObject *object, GError **error) {
    const BerthPullContext *context = object->context;
    const BerthDescriptor *descriptor = object->descriptor;
    BerthIngestionRequest request = {
        .ingest = context->ingest,
        .key = object->key,
        .owner = context->transfer->owner,
        .total = descriptor->size,
        .limit = descriptor->size,
        .is_resumed = is_worth_resuming(descriptor),
    };

    if (!pull_object_check_size(object, error) ||
        !berth_digest_parse(descriptor->digest, &request.algorithm, error))
        return false;
    object->ingestion = berth_ingestion_new(context->images->contents, &request,
                                            pull_object_on_ingested, object, error);
    if (!object->ingestion)
        return false;
    if (object->attempt == ATTEMPT_FROM_START && berth_ingestion_get_offset(object->ingestion) > 0)
        object->attempt = ATTEMPT_RESUMED;
    return true;
}

/* Returns the pipe that berth-ingest writes to; -1 if nobody will read from it. The stream may
 * begin to read long after that, which must not hold up berth-ingest. */
static int pull_object_stream(BerthPullObject *object) {
    berth_autofd int file = berth_ingestion_open_file(object->ingestion);
    int ends[2];

    if (file < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    (void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
    object->stream(file, ends[0], object->stream_userdata);
    close(ends[0]);
    return ends[1];
}

/* Fetches into the ingest, starting where an earlier attempt ended. */
static void pull_object_fetch(BerthPullObject *object) {
    g_autoptr(GError) error = NULL;
    berth_autofd int growth = -1;

    pull_object_set_state(object, BERTH_PULL_OBJECT_FETCHING, NULL);
    if (!pull_object_open(object, &error)) {
        pull_object_fail(object, error);
        return;
    }
    /* What has been unpacked cannot be taken back. If an earlier attempt is resumed, its data may
     * turn out to be wrong; in this case the layer is unpacked from the blob instead. */
    if (object->stream && object->attempt == ATTEMPT_FROM_START)
        growth = pull_object_stream(object);
    if (object->embedded ? !pull_object_send_embedded(object, growth, &error)
                         : !pull_object_send(object, growth, &error)) {
        pull_object_fail(object, error);
        return;
    }
    /* The size of the file includes the data of an earlier attempt, as does the total. */
    berth_transfer_item_watch_size(object->item, berth_ingestion_get_file(object->ingestion));
}

/* Removes the ingest that an earlier attempt has left, if there is one and nobody is writing it:
 * the content does not have to be fetched any more. */
static void pull_object_drop_leftover(BerthPullObject *object) {
    BerthContentStore *store = berth_contents_get_store(object->context->images->contents);
    g_auto(BerthIngestInfo) leftover = {0};

    if (!berth_content_store_status(store, object->key, &leftover, NULL))
        return;
    if (berth_claim_take(object->claims.own))
        berth_content_store_abort(store, object->key, NULL);
    berth_claim_release(object->claims.own);
}

/* If there was no proof, the object starts again and is fetched; was_asked_for_proof prevents a
 * second attempt at a proof. */
static void pull_object_on_proven(bool proven, void *userdata) {
    BerthPullObject *object = userdata;

    g_clear_pointer(&object->proof, berth_pull_proof_free);
    if (!proven) {
        berth_pull_object_start(object);
        return;
    }
    pull_object_note_source(object);
    pull_object_drop_leftover(object);
    pull_object_finish(object);
}

/* Returns to the scheduler, which decides on the order; the content may be stored by then. */
static void pull_object_on_released(void *userdata) {
    pull_object_set_state(userdata, BERTH_PULL_OBJECT_QUEUED, NULL);
}

/* Also runs after each wait, so every condition is checked again. Stored content is used if this
 * pull may use it; otherwise only if the remote proves that it has it as well. If it cannot, the
 * content is fetched again. */
void berth_pull_object_start(BerthPullObject *object) {
    const BerthPullContext *context = object->context;
    const char *digest = object->descriptor->digest;
    bool is_here = berth_pull_is_stored(context, digest);
    g_autoptr(GError) error = NULL;

    /* Another transfer may have fetched it while this one was waiting. */
    if (is_here && berth_pull_use_stored(context, digest)) {
        pull_object_drop_leftover(object);
        pull_object_finish(object);
        return;
    }
    if (context->mode == BERTH_PULL_UNPACK) {
        berth_error_set(&error, BERTH_ERROR_NOT_FOUND,
                        "this content is not here; pull the image again");
        pull_object_fail(object, error);
        return;
    }
    if (is_here && !object->was_asked_for_proof) {
        object->was_asked_for_proof = true;
        object->proof =
            berth_pull_proof_new(context, object->descriptor, pull_object_on_proven, object);
        if (object->proof) {
            pull_object_set_state(object, BERTH_PULL_OBJECT_PROVING, NULL);
            return;
        }
    }
    if (berth_pull_claims_take(&object->claims))
        pull_object_fetch(object);
    else
        pull_object_set_state(object, BERTH_PULL_OBJECT_WAITING, NULL);
}
