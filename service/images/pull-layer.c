/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One layer of a pull: berth-unpack reads its file while berth-ingest is still writing it (or reads
 * a stored blob), and unpacks it into a separate directory. When the layer below is committed, this
 * one is settled on it and committed under its chain ID. The image (pull-image.c) owns it and
 * decides when it starts and settles; the states are in pull-private.h.
 */

#include "base/digest.h"
#include "base/fd.h"
#include "images/pull-private.h"
#include "store/provenance.h"
#include "worker/calls.h"
#include "worker/replies.h"

struct BerthPullLayer {
    const BerthPullContext *context;
    BerthPullObjects *objects;
    BerthPullLayerState state;
    BerthDescriptor *descriptor;
    BerthTransferItem *item;
    char *diff_id, *chain_id, *parent;
    const char *manifest_digest, *image_chain_id;
    BerthPullClaims claims; /* on creating the snapshot */
    BerthWorker *worker;
    char *key;        /* of the snapshot being created */
    bool needs_lower; /* needed to settle; reported by berth-unpack, like size */
    uint64_t size;
    GError *cut_off; /* of berth-unpack: the content has ended early */
    BerthPullLayerChanged changed;
    void *userdata;
};

static void pull_layer_on_released(void *userdata);

/* The chain ID is pinned from the beginning: the snapshot may already exist without an image that
 * keeps it. */
BerthPullLayer *berth_pull_layer_new(const BerthPullContext *context, BerthPullObjects *objects,
                                     const BerthPullLayerRequest *request) {
    BerthPullLayer *layer = g_new0(BerthPullLayer, 1);
    const BerthDescriptor *descriptor = request->descriptor;

    layer->context = context;
    layer->objects = objects;
    layer->descriptor = berth_descriptor_copy(descriptor);
    layer->item =
        berth_transfer_add_item(context->transfer, descriptor->digest, "waiting", descriptor->size);
    layer->diff_id = g_strdup(request->diff_id);
    layer->parent = g_strdup(request->parent);
    layer->chain_id = berth_chain_id_next(request->parent, request->diff_id);
    layer->manifest_digest = request->manifest_digest;
    layer->image_chain_id = request->image_chain_id;
    layer->changed = request->changed;
    layer->userdata = request->userdata;
    g_autofree char *ref =
        g_strdup_printf("chain %u %s", context->transfer->owner, layer->chain_id);
    berth_pull_claims_init(&layer->claims, context,
                           &(BerthPullClaimsRequest){ref, "chain", layer->chain_id},
                           pull_layer_on_released, layer);
    berth_pins_add(context->pins, layer->chain_id);
    return layer;
}

void berth_pull_layer_free(BerthPullLayer *layer) {
    if (!layer)
        return;
    berth_worker_free(layer->worker);
    berth_pull_claims_clear(&layer->claims);
    /* Done after its writer has been killed. */
    if (layer->key)
        berth_snapshot_store_discard(layer->context->images->snapshots, layer->key);
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

/* Unpacks the layer while it arrives: berth-unpack reads the file that berth-ingest writes. If
 * there is no pipe, the blob is unpacked once it is in the store. At this point, berth-unpack is
 * only told whether this is the lowest layer; the tree below may not exist yet. */
static int pull_layer_stream(int file, void *userdata) {
    BerthPullLayer *layer = userdata;
    uint64_t limit = layer->context->images->remotes->settings->max_layer_bytes;
    int ends[2];

    if (!berth_fd_pipe(ends, NULL))
        return -1;
    berth_autofd int output = ends[0];
    pull_layer_set_state(layer, BERTH_PULL_LAYER_STREAMING);
    berth_call_unpack_unpack_growing(layer->worker, file, output, layer->descriptor->size,
                                     layer->diff_id, limit, layer->parent == NULL,
                                     pull_layer_on_extracted, layer);
    return ends[1];
}

static void pull_layer_extract_blob(BerthPullLayer *layer) {
    uint64_t limit = layer->context->images->remotes->settings->max_layer_bytes;
    BerthContentStore *store = berth_contents_get_store(layer->context->images->contents);
    g_autoptr(GError) error = NULL;
    berth_autofd int blob = berth_content_store_open_blob(store, layer->descriptor->digest, &error);

    if (blob < 0)
        pull_layer_fail(layer, error);
    else
        berth_call_unpack_unpack(layer->worker, blob, layer->diff_id, limit, layer->parent == NULL,
                                 pull_layer_on_extracted, layer);
}

/* The blob and the tree may be completed in either order; the second of them makes the layer
 * UNPACKED. */
static void pull_layer_on_blob(const BerthDescriptor *descriptor, const GError *error,
                               void *userdata) {
    BerthPullLayer *layer = userdata;
    BerthPullLayerState before = layer->state;

    (void)descriptor;
    if (error || layer->cut_off) {
        pull_layer_fail(layer, error ? error : layer->cut_off);
        return;
    }
    layer->item->phase = "unpacking";
    if (before == BERTH_PULL_LAYER_EXTRACTED) {
        pull_layer_unpacked(layer);
        return;
    }
    pull_layer_set_state(layer, BERTH_PULL_LAYER_STORED);
    if (before == BERTH_PULL_LAYER_FETCHING)
        pull_layer_extract_blob(layer);
}

static void pull_layer_on_kept(const BerthDescriptor *descriptor, const GError *error,
                               void *userdata) {
    (void)descriptor;
    if (error)
        pull_layer_fail(userdata, error);
    else
        pull_layer_finish(userdata);
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

    pull_layer_set_state(layer, BERTH_PULL_LAYER_KEEPING);
    if (!keeps && berth_pull_use_stored(context, digest)) {
        pull_layer_finish(layer);
        return;
    }
    const BerthPullFetch fetch = {.descriptor = layer->descriptor,
                                  .item = layer->item,
                                  .done = pull_layer_on_kept,
                                  .userdata = layer};
    berth_pull_objects_fetch(layer->objects, &fetch);
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
    const BerthPullFetch fetch = {.descriptor = layer->descriptor,
                                  .item = layer->item,
                                  .stream = pull_layer_stream,
                                  .done = pull_layer_on_blob,
                                  .userdata = layer};
    berth_pull_objects_fetch(layer->objects, &fetch);
}
