/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One layer of a pull: its bytes go to berth-unpack while they arrive (or from the blob that is
 * here), into a directory of its own; when the layer below is committed it is settled on it and
 * committed under its chain ID.
 */

#include "base/fd.h"
#include "images/pull-private.h"
#include "store/provenance.h"
#include "worker/calls.h"
#include "worker/replies.h"

/* Under which one transfer at a time makes a snapshot. */
static char *chain_ref(const BerthPullLayer *layer) {
    return g_strconcat("chain ", layer->chain_id, NULL);
}

static void release(BerthPullLayer *layer) {
    g_autofree char *ref = chain_ref(layer);

    if (layer->claimed)
        berth_contents_release(layer->pull->images->contents, ref);
    layer->claimed = false;
}

void berth_pull_layer_free(gpointer data) {
    BerthPullLayer *layer = data;

    if (layer->state == LAYER_ELSEWHERE)
        berth_contents_forget_wait(layer->pull->images->contents, layer);
    berth_worker_free(layer->worker);
    release(layer);
    /* After its writer has gone. */
    if (layer->key)
        berth_snapshot_store_discard(layer->pull->images->snapshots, layer->key);
    berth_descriptor_free(layer->descriptor);
    g_free(layer->key);
    g_free(layer->diff_id);
    g_free(layer->chain_id);
    g_free(layer);
}

static void settle(BerthPullLayer *layer);

/* The layer is done: so may be the one above it, which has only waited for this. */
static void finish(BerthPullLayer *layer) {
    BerthPull *pull = layer->pull;

    layer->state = LAYER_DONE;
    layer->item->phase = "done";
    release(layer);
    g_clear_pointer(&layer->worker, berth_worker_free);
    g_clear_pointer(&layer->key, g_free);
    for (guint i = 0; i < pull->layers->len; i++) {
        BerthPullLayer *above = pull->layers->pdata[i];
        if (above->below == layer && above->state == LAYER_UNPACKED) {
            settle(above);
            break;
        }
    }
    berth_pull_done_one(pull);
}

static void commit(BerthPullLayer *layer) {
    g_autoptr(GError) error = NULL;

    if (berth_snapshot_store_commit(layer->pull->images->snapshots, layer->key, layer->chain_id,
                                    layer->below ? layer->below->chain_id : NULL, layer->size,
                                    &error))
        finish(layer);
    else
        berth_pull_fail(layer->pull, error, layer->descriptor->digest);
}

static void on_settled(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthPullLayer *layer = userdata;

    (void)reply;
    if (error)
        berth_pull_fail(layer->pull, error, layer->descriptor->digest);
    else
        commit(layer);
}

static void settle(BerthPullLayer *layer) {
    BerthPull *pull = layer->pull;
    g_autoptr(GError) error = NULL;
    berth_autofd int lower = -1, blob = -1;

    layer->state = LAYER_SETTLING;
    if (!layer->needs_lower) {
        commit(layer);
        return;
    }
    if (layer->below) {
        lower = berth_snapshot_store_mount(pull->images->snapshots, layer->below->chain_id, &error);
        /* What lies below may show that the layer has to be read once more. */
        if (lower >= 0)
            blob = berth_content_store_open_blob(berth_contents_get_store(pull->images->contents),
                                                 layer->descriptor->digest, &error);
        if (blob < 0) {
            berth_pull_fail(pull, error, layer->descriptor->digest);
            return;
        }
    }
    if (lower >= 0)
        berth_call_unpack_settle(layer->worker, lower, blob, on_settled, layer);
    else
        berth_call_unpack_settle_lowest(layer->worker, on_settled, layer);
}

/* Both ends have to be there: the blob in the store, and its tree in the directory. */
static void check_unpacked(BerthPullLayer *layer) {
    BerthPull *pull = layer->pull;

    if (!layer->stored || !layer->unpacked)
        return;
    berth_provenance_add_diff_id(pull->images->database, layer->descriptor->digest, layer->diff_id,
                                 NULL);
    layer->state = LAYER_UNPACKED;
    if (!layer->below || layer->below->state == LAYER_DONE)
        settle(layer);
    /* Its place is free for another. */
    berth_pull_start_layers(pull);
}

static void on_unpacked(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthPullLayer *layer = userdata;
    g_autoptr(GError) local = NULL;
    uint64_t limit = layer->pull->images->remotes->settings->max_layer_bytes;

    if (error ||
        !berth_reply_read_unpacked(reply, limit, &layer->size, &layer->needs_lower, &local)) {
        berth_pull_fail(layer->pull, error ? error : local, layer->descriptor->digest);
        return;
    }
    layer->unpacked = true;
    check_unpacked(layer);
}

static bool start_worker(BerthPullLayer *layer, GError **error) {
    berth_autofd int directory =
        berth_snapshot_store_begin(layer->pull->images->snapshots, &layer->key, error);

    if (directory < 0)
        return false;
    layer->worker = berth_worker_new(layer->pull->images->event, "unpack", directory, error);
    return layer->worker != NULL;
}

static void unpack_from(BerthPullLayer *layer, int input) {
    uint64_t limit = layer->pull->images->remotes->settings->max_layer_bytes;

    berth_call_unpack_unpack(layer->worker, input, layer->diff_id, limit, layer->below == NULL,
                             on_unpacked, layer);
}

static void unpack_blob(BerthPullLayer *layer) {
    g_autoptr(GError) error = NULL;
    BerthContentStore *store = berth_contents_get_store(layer->pull->images->contents);
    berth_autofd int blob = berth_content_store_open_blob(store, layer->descriptor->digest, &error);

    if (blob < 0)
        berth_pull_fail(layer->pull, error, NULL);
    else
        unpack_from(layer, blob);
}

/* The blob is in the store: what was not unpacked while it came is unpacked from there. */
static void on_blob(BerthPull *pull, const BerthDescriptor *descriptor, void *userdata) {
    BerthPullLayer *layer = userdata;

    (void)pull;
    (void)descriptor;
    layer->stored = true;
    layer->item->phase = "unpacking";
    if (layer->streamed)
        check_unpacked(layer);
    else
        unpack_blob(layer);
}

/* The snapshot is here; only the blob may be missing. */
static void on_blob_only(BerthPull *pull, const BerthDescriptor *descriptor, void *userdata) {
    (void)pull;
    (void)descriptor;
    finish(userdata);
}

static int stream(void *userdata) {
    BerthPullLayer *layer = userdata;
    int ends[2];

    /* Without, it is unpacked later. */
    if (!berth_fd_pipe(ends, NULL))
        return -1;
    berth_autofd int output = ends[0];
    layer->streamed = true;
    unpack_from(layer, output);
    return ends[1];
}

/* The other transfer has made the snapshot, or has failed: then it is this one's turn. */
static void on_chain_released(void *userdata) {
    BerthPullLayer *layer = userdata;

    layer->state = LAYER_WAITING;
    berth_pull_start_layers(layer->pull);
}

/* False where another transfer is about to make the same snapshot. It holds no place meanwhile. */
static bool claim(BerthPullLayer *layer) {
    BerthContents *contents = layer->pull->images->contents;
    g_autofree char *ref = chain_ref(layer);

    layer->claimed = berth_contents_claim(contents, ref, NULL);
    if (layer->claimed)
        return true;
    layer->state = LAYER_ELSEWHERE;
    berth_contents_wait(contents, ref, on_chain_released, layer);
    return false;
}

/* A snapshot of that chain may be used once the layer's own content was seen to unpack to it: the
 * image configuration alone may claim anybody's. */
static bool is_known(BerthPullLayer *layer) {
    BerthImages *images = layer->pull->images;

    return berth_snapshot_store_has(images->snapshots, layer->chain_id) &&
           (berth_provenance_has_diff_id(images->database, layer->descriptor->digest,
                                         layer->diff_id) ||
            berth_provenance_has_chain(images->database, layer->pull->manifest_digest,
                                       layer->pull->info->chain_id));
}

void berth_pull_layer_start(BerthPullLayer *layer) {
    BerthPull *pull = layer->pull;
    const char *digest = layer->descriptor->digest;
    bool keeps =
        pull->mode != BERTH_PULL_UNPACK && pull->images->remotes->settings->keep_compressed;
    g_autoptr(GError) error = NULL;

    layer->state = LAYER_UNPACKING;
    if (is_known(layer)) {
        /* What was dropped once it was unpacked is not fetched for nothing. */
        if (!keeps && berth_pull_may_use(pull, digest)) {
            berth_pull_hold(pull, digest);
            finish(layer);
        } else {
            berth_pull_object(pull, layer->descriptor, layer->item, NULL, on_blob_only, layer);
        }
        return;
    }
    if (!claim(layer))
        return;
    if (!start_worker(layer, &error))
        berth_pull_fail(pull, error, digest);
    else
        berth_pull_object(pull, layer->descriptor, layer->item, stream, on_blob, layer);
}
