/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One layer of a pull: berth-unpack reads its file while berth-ingest is still writing it (or reads
 * a stored blob), and unpacks it into a separate directory. When the layer below is committed, this
 * one is settled on it and committed under its chain ID. The image (pull-image.c) owns it and
 * decides when it starts and settles; the states are in pull-private.h.
 *
 * The blob may begin to arrive before the image configuration, without which the layer cannot be
 * unpacked: the file and its pipe are kept until then.
 */

#include "base/digest.h"
#include "base/fd.h"
#include "images/pull-private.h"
#include "store/provenance.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <fcntl.h>

struct BerthPullLayer {
    const BerthPullContext *context;
    BerthPullObjects *objects;
    BerthPullLayerState state;
    BerthDescriptor *descriptor;
    BerthTransferItem *item;
    char *diff_id, *chain_id, *parent;
    const char *manifest_digest, *image_chain_id;
    BerthPullClaims claims;       /* on creating the snapshot */
    bool is_requested, is_stored; /* its blob */
    int file, growth;             /* of the arriving blob, while nothing reads them; or -1 */
    BerthWorker *worker;
    char *key;        /* of the snapshot being created */
    bool needs_lower; /* needed to settle; reported by berth-unpack, like size */
    uint64_t size;
    GError *cut_off; /* of berth-unpack: the content has ended early */
    BerthPullLayerChanged changed;
    void *userdata;
};

static void pull_layer_on_released(void *userdata);

BerthPullLayer *berth_pull_layer_new(const BerthPullContext *context, BerthPullObjects *objects,
                                     const BerthPullLayerRequest *request) {
    BerthPullLayer *layer = g_new0(BerthPullLayer, 1);
    const BerthDescriptor *descriptor = request->descriptor;

    layer->context = context;
    layer->objects = objects;
    layer->descriptor = berth_descriptor_copy(descriptor);
    layer->item =
        berth_transfer_add_item(context->transfer, descriptor->digest, "waiting", descriptor->size);
    layer->manifest_digest = request->manifest_digest;
    layer->file = layer->growth = -1;
    layer->changed = request->changed;
    layer->userdata = request->userdata;
    return layer;
}

/* The chain ID is pinned from the beginning: the snapshot may already exist without an image that
 * keeps it. The image knows the new state, and has other layers to identify first. */
void berth_pull_layer_identify(BerthPullLayer *layer, const BerthPullLayerIdentity *identity) {
    const BerthPullContext *context = layer->context;

    layer->diff_id = g_strdup(identity->diff_id);
    layer->parent = g_strdup(identity->parent);
    layer->chain_id = berth_chain_id_next(identity->parent, identity->diff_id);
    layer->image_chain_id = identity->image_chain_id;
    g_autofree char *ref =
        g_strdup_printf("chain %u %s", context->transfer->owner, layer->chain_id);
    berth_pull_claims_init(&layer->claims, context,
                           &(BerthPullClaimsRequest){ref, "chain", layer->chain_id},
                           pull_layer_on_released, layer);
    berth_pins_add(context->pins, layer->chain_id);
    layer->state = BERTH_PULL_LAYER_WAITING;
}

/* berth-ingest then announces the growth to nobody. */
static void pull_layer_stop_keeping(BerthPullLayer *layer) {
    berth_fd_clear(&layer->file);
    berth_fd_clear(&layer->growth);
}

void berth_pull_layer_free(BerthPullLayer *layer) {
    if (!layer)
        return;
    berth_worker_free(layer->worker);
    berth_pull_claims_clear(&layer->claims);
    /* Done after its writer has been killed. */
    if (layer->key)
        berth_snapshot_store_discard(layer->context->images->snapshots, layer->key);
    pull_layer_stop_keeping(layer);
    berth_descriptor_free(layer->descriptor);
    g_clear_error(&layer->cut_off);
    g_free(layer->key);
    g_free(layer->diff_id);
    g_free(layer->chain_id);
    g_free(layer->parent);
    g_free(layer);
}

BerthPullLayerState berth_pull_layer_get_state(const BerthPullLayer *layer) {
    return layer->state;
}

const char *berth_pull_layer_get_digest(const BerthPullLayer *layer) {
    return layer->descriptor->digest;
}

const char *berth_pull_layer_get_chain_id(const BerthPullLayer *layer) {
    return layer->chain_id;
}

/* The only function that changes the state. */
static void pull_layer_set_state(BerthPullLayer *layer, BerthPullLayerState state) {
    layer->state = state;
    if (state == BERTH_PULL_LAYER_WAITING || state == BERTH_PULL_LAYER_UNPACKED ||
        state == BERTH_PULL_LAYER_DONE)
        layer->changed(layer, NULL, layer->userdata);
}

/* The state remains unchanged; the error ends the pull, which frees the layer. */
static void pull_layer_fail(BerthPullLayer *layer, const GError *error) {
    layer->changed(layer, error, layer->userdata);
}

/* The claims are released before the state is reported: other pulls that wait for this snapshot
 * then find it committed. The worker is killed afterwards: the end of its process must not delay
 * what is done next. */
static void pull_layer_finish(BerthPullLayer *layer) {
    g_autoptr(BerthWorker) worker = g_steal_pointer(&layer->worker);

    layer->item->phase = "done";
    berth_pull_claims_release(&layer->claims);
    g_clear_pointer(&layer->key, g_free);
    pull_layer_set_state(layer, BERTH_PULL_LAYER_DONE);
}

/* From here on, the store owns the directory. On failure key remains set, and freeing the layer
 * discards the directory. */
static void pull_layer_commit(BerthPullLayer *layer) {
    g_autoptr(GError) error = NULL;

    if (berth_snapshot_store_commit(layer->context->images->snapshots, layer->key, layer->chain_id,
                                    layer->parent, layer->size, &error))
        pull_layer_finish(layer);
    else
        pull_layer_fail(layer, error);
}

static void pull_layer_on_settled(sd_bus_message *reply, const GError *error, void *userdata) {
    (void)reply;
    if (error)
        pull_layer_fail(userdata, error);
    else
        pull_layer_commit(userdata);
}

/* Some entries of a layer can only be completed with the tree below it available; berth-unpack
 * reports in its reply whether there are any (needs_lower). That tree is passed to it as a
 * read-only mount. */
void berth_pull_layer_settle(BerthPullLayer *layer) {
    BerthImages *images = layer->context->images;
    g_autoptr(GError) error = NULL;

    pull_layer_set_state(layer, BERTH_PULL_LAYER_SETTLING);
    if (!layer->needs_lower) {
        pull_layer_commit(layer);
        return;
    }
    if (!layer->parent) {
        berth_call_unpack_settle_lowest(layer->worker, pull_layer_on_settled, layer);
        return;
    }
    berth_autofd int lower = berth_snapshot_store_mount(images->snapshots, layer->parent, &error);
    /* With the tree below available, it may turn out that the layer has to be read once more. */
    berth_autofd int blob =
        lower < 0 ? -1
                  : berth_content_store_open_blob(berth_contents_get_store(images->contents),
                                                  layer->descriptor->digest, &error);
    if (blob < 0)
        pull_layer_fail(layer, error);
    else
        berth_call_unpack_settle(layer->worker, lower, blob, pull_layer_on_settled, layer);
}

/* Both are complete: the blob in the store, and its tree in the directory. berth-unpack has checked
 * the diff ID, so the blob is known to unpack to it from now on. */
static void pull_layer_unpacked(BerthPullLayer *layer) {
    berth_provenance_add_diff_id(layer->context->images->database, layer->descriptor->digest,
                                 layer->diff_id, NULL);
    pull_layer_set_state(layer, BERTH_PULL_LAYER_UNPACKED);
}

static void pull_layer_on_extracted(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthPullLayer *layer = userdata;
    uint64_t limit = layer->context->images->remotes->settings->max_layer_bytes;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    /* The cause is what ended the content early, which the result of the blob says; it may arrive
     * later. */
    if (layer->state == BERTH_PULL_LAYER_STREAMING &&
        g_error_matches(local, BERTH_ERROR, BERTH_ERROR_SIZE_MISMATCH))
        layer->cut_off = g_steal_pointer(&local);
    else if (local ||
             !berth_reply_read_unpacked(reply, limit, &layer->size, &layer->needs_lower, &local))
        pull_layer_fail(layer, local);
    else if (layer->state == BERTH_PULL_LAYER_STORED)
        pull_layer_unpacked(layer);
    else
        pull_layer_set_state(layer, BERTH_PULL_LAYER_EXTRACTED);
}

/* At this point, berth-unpack is only told whether this is the lowest layer; the tree below may not
 * exist yet. */
static void pull_layer_extract_growing(BerthPullLayer *layer, int file, int growth) {
    uint64_t limit = layer->context->images->remotes->settings->max_layer_bytes;

    pull_layer_set_state(layer, BERTH_PULL_LAYER_STREAMING);
    berth_call_unpack_unpack_growing(layer->worker, file, growth, layer->descriptor->size,
                                     layer->diff_id, limit, layer->parent == NULL,
                                     pull_layer_on_extracted, layer);
}

/* Unpacks the layer while it arrives: berth-unpack reads the file that berth-ingest writes. If that
 * is not possible, the blob is unpacked once it is in the store. */
static void pull_layer_stream(int file, int growth, void *userdata) {
    BerthPullLayer *layer = userdata;

    if (layer->state == BERTH_PULL_LAYER_FETCHING) {
        pull_layer_extract_growing(layer, file, growth);
    } else if (layer->state < BERTH_PULL_LAYER_KEEPING) {
        layer->file = fcntl(file, F_DUPFD_CLOEXEC, 0);
        layer->growth = layer->file < 0 ? -1 : fcntl(growth, F_DUPFD_CLOEXEC, 0);
    }
}

/* The blob is in the store. */
static void pull_layer_set_stored(BerthPullLayer *layer) {
    layer->item->phase = "unpacking";
    pull_layer_set_state(layer, BERTH_PULL_LAYER_STORED);
}

static void pull_layer_extract_blob(BerthPullLayer *layer) {
    uint64_t limit = layer->context->images->remotes->settings->max_layer_bytes;
    BerthContentStore *store = berth_contents_get_store(layer->context->images->contents);
    g_autoptr(GError) error = NULL;
    berth_autofd int blob = berth_content_store_open_blob(store, layer->descriptor->digest, &error);

    pull_layer_set_stored(layer);
    if (blob < 0)
        pull_layer_fail(layer, error);
    else
        berth_call_unpack_unpack(layer->worker, blob, layer->diff_id, limit, layer->parent == NULL,
                                 pull_layer_on_extracted, layer);
}

/* The blob and the tree may be completed in either order; the second of them makes the layer
 * UNPACKED. A layer that has not started yet finds the blob when it does. */
static void pull_layer_on_blob(const BerthDescriptor *descriptor, const GError *error,
                               void *userdata) {
    BerthPullLayer *layer = userdata;

    (void)descriptor;
    if (error || layer->cut_off) {
        pull_layer_fail(layer, error ? error : layer->cut_off);
        return;
    }
    layer->is_stored = true;
    if (layer->state == BERTH_PULL_LAYER_KEEPING)
        pull_layer_finish(layer);
    else if (layer->state == BERTH_PULL_LAYER_FETCHING)
        pull_layer_extract_blob(layer);
    else if (layer->state == BERTH_PULL_LAYER_STREAMING)
        pull_layer_set_stored(layer);
    else if (layer->state == BERTH_PULL_LAYER_EXTRACTED)
        pull_layer_unpacked(layer);
}

/* pull_layer_on_blob() may be called before this returns. */
static void pull_layer_request_blob(BerthPullLayer *layer, BerthPullStream stream) {
    const BerthPullFetch fetch = {.descriptor = layer->descriptor,
                                  .item = layer->item,
                                  .stream = stream,
                                  .done = pull_layer_on_blob,
                                  .userdata = layer};

    layer->is_requested = true;
    berth_pull_objects_fetch(layer->objects, &fetch);
}

void berth_pull_layer_fetch_ahead(BerthPullLayer *layer) {
    pull_layer_request_blob(layer, pull_layer_stream);
}

/* The other transfer has created the snapshot or has failed; in either case the layer starts
 * again. */
static void pull_layer_on_released(void *userdata) {
    pull_layer_set_state(userdata, BERTH_PULL_LAYER_WAITING);
}

/* Whether the snapshot of this chain may be used. It may if the layer's own content was seen to
 * unpack to it: an image configuration alone may claim the chain of any other user's image. */
static bool pull_layer_is_known(const BerthPullLayer *layer) {
    BerthImages *images = layer->context->images;

    return berth_snapshot_store_has(images->snapshots, layer->chain_id) &&
           (berth_provenance_has_diff_id(images->database, layer->descriptor->digest,
                                         layer->diff_id) ||
            berth_provenance_has_chain(images->database, layer->manifest_digest,
                                       layer->image_chain_id));
}

/* The snapshot already exists. Its blob is fetched as well, unless blobs are dropped after
 * unpacking and this pull may use the content without fetching it. */
static void pull_layer_keep(BerthPullLayer *layer) {
    const BerthPullContext *context = layer->context;
    const char *digest = layer->descriptor->digest;
    bool keeps =
        context->mode != BERTH_PULL_UNPACK && context->images->remotes->settings->keep_compressed;

    pull_layer_stop_keeping(layer);
    pull_layer_set_state(layer, BERTH_PULL_LAYER_KEEPING);
    if (layer->is_stored || (!keeps && berth_pull_use_stored(context, digest)))
        pull_layer_finish(layer);
    else if (!layer->is_requested)
        pull_layer_request_blob(layer, NULL);
}

/* Unpacks what has arrived or is arriving, or requests it. A file that has been kept may be
 * complete by now. */
static void pull_layer_unpack(BerthPullLayer *layer) {
    if (layer->growth >= 0) {
        pull_layer_extract_growing(layer, layer->file, layer->growth);
        pull_layer_stop_keeping(layer);
        if (layer->is_stored)
            pull_layer_set_stored(layer);
    } else if (layer->is_stored) {
        pull_layer_extract_blob(layer);
    } else if (!layer->is_requested) {
        pull_layer_request_blob(layer, pull_layer_stream);
    }
}

void berth_pull_layer_start(BerthPullLayer *layer) {
    g_autoptr(GError) error = NULL;

    if (pull_layer_is_known(layer)) {
        pull_layer_keep(layer);
        return;
    }
    /* Another transfer is creating the same snapshot. Until that ends, the layer does not occupy a
     * slot for unpacking. */
    if (!berth_pull_claims_take(&layer->claims)) {
        pull_layer_set_state(layer, BERTH_PULL_LAYER_ELSEWHERE);
        return;
    }
    pull_layer_set_state(layer, BERTH_PULL_LAYER_FETCHING);
    /* Each layer gets a separate worker: a layer that compromises its worker cannot affect another
     * layer. */
    layer->worker = berth_pull_unpackers_take(layer->context->unpackers, &layer->key, &error);
    if (!layer->worker) {
        pull_layer_fail(layer, error);
        return;
    }
    pull_layer_unpack(layer);
}
