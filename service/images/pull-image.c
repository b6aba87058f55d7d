/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The image of a pull that is to be unpacked. Its configuration is fetched and read; it says how
 * many layers there are and what they unpack to. The layers are then started, lowest first, a
 * limited number at a time (ParallelLayers=), and each is settled when the one below it is done.
 * The image is done when all layers are. Small layers are requested together with the
 * configuration. The pull owns it.
 */

#include "base/fd.h"
#include "base/log.h"
#include "images/pull-private.h"
#include "worker/calls.h"

struct BerthPullImage {
    const BerthPullContext *context;
    BerthPullObjects *objects;
    char *target_digest; /* of the document that the image's name refers to */
    char *digest;        /* of the manifest */
    BerthDescriptor *config;
    GPtrArray *descriptors; /* of BerthDescriptor: the layers */
    BerthImageInfo *info;   /* NULL until the configuration has been read */
    GPtrArray *layers;      /* of BerthPullLayer, lowest first */
    guint done_layers;
    BerthPullDone done;
    void *userdata;
};

BerthPullImage *berth_pull_image_new(const BerthPullContext *context, BerthPullObjects *objects,
                                     const BerthPullImageRequest *request, BerthPullDone done,
                                     void *userdata) {
    BerthPullImage *image = g_new0(BerthPullImage, 1);

    image->context = context;
    image->objects = objects;
    image->target_digest = g_strdup(request->target_digest);
    image->digest = g_strdup(request->digest);
    image->config = berth_descriptor_copy(request->manifest->config);
    image->descriptors = g_ptr_array_ref(request->manifest->layers);
    image->layers = g_ptr_array_new_with_free_func((GDestroyNotify)berth_pull_layer_free);
    image->done = done;
    image->userdata = userdata;
    return image;
}

void berth_pull_image_free(BerthPullImage *image) {
    if (!image)
        return;
    g_ptr_array_unref(image->layers);
    g_ptr_array_unref(image->descriptors);
    berth_descriptor_free(image->config);
    berth_image_info_free(image->info);
    g_free(image->digest);
    g_free(image->target_digest);
    g_free(image);
}

const BerthImageInfo *berth_pull_image_get_info(const BerthPullImage *image) {
    return image->info;
}

guint berth_pull_image_count_layers(const BerthPullImage *image) {
    return image->layers->len;
}

/* Whether a layer occupies one of the slots for layers being unpacked. */
static bool layer_has_place(const BerthPullLayer *layer) {
    BerthPullLayerState state = berth_pull_layer_get_state(layer);

    return state >= BERTH_PULL_LAYER_KEEPING && state <= BERTH_PULL_LAYER_EXTRACTED;
}

/* Returns the lowest waiting layer, since the others are settled on top of it; NULL if all slots
 * are taken. */
static BerthPullLayer *pull_image_find_next(BerthPullImage *image) {
    unsigned places = image->context->images->remotes->settings->parallel_layers;
    BerthPullLayer *next = NULL;

    for (guint i = image->layers->len; i-- > 0;) {
        BerthPullLayer *layer = image->layers->pdata[i];
        if (layer_has_place(layer) && --places == 0)
            return NULL;
        if (berth_pull_layer_get_state(layer) == BERTH_PULL_LAYER_WAITING)
            next = layer;
    }
    return next;
}

/* Starts layers as long as there are free slots. Starting one may change the states of others, so
 * the next one is searched for again each time. */
static void pull_image_start_layers(BerthPullImage *image) {
    BerthPullLayer *next;

    /* A layer that fails immediately ends the operation, and is reported from within this call. */
    while (!berth_operation_has_ended(image->context->transfer->operation) &&
           (next = pull_image_find_next(image)))
        berth_pull_layer_start(next);
}

/* Settles the layer at place if it is unpacked and the one below it is done. */
static void pull_image_settle(BerthPullImage *image, guint place) {
    BerthPullLayer *layer = place < image->layers->len ? image->layers->pdata[place] : NULL;
    const BerthPullLayer *below = place > 0 ? image->layers->pdata[place - 1] : NULL;

    if (layer && berth_pull_layer_get_state(layer) == BERTH_PULL_LAYER_UNPACKED &&
        (!below || berth_pull_layer_get_state(below) == BERTH_PULL_LAYER_DONE))
        berth_pull_layer_settle(layer);
}

/* The only callback of layers: it settles layers that are ready, and fills a slot that may have
 * become free. */
static void pull_image_on_layer(BerthPullLayer *layer, const GError *error, void *userdata) {
    BerthPullImage *image = userdata;
    guint place = 0;

    if (error) {
        image->done(berth_pull_layer_get_digest(layer), error, image->userdata);
        return;
    }
    g_ptr_array_find(image->layers, layer, &place);
    bool is_done = berth_pull_layer_get_state(layer) == BERTH_PULL_LAYER_DONE;
    /* Settling the layer above may finish it, in which case this function is called again from
     * within. */
    if (is_done && ++image->done_layers == image->layers->len) {
        image->done(NULL, NULL, image->userdata);
        return;
    }
    pull_image_settle(image, is_done ? place + 1 : place);
    pull_image_start_layers(image);
}

static bool pull_image_make_layers(BerthPullImage *image, GError **error) {
    for (guint i = 0; i < image->descriptors->len; i++) {
        const BerthDescriptor *descriptor = image->descriptors->pdata[i];
        if (berth_media_type_get_kind(descriptor->media_type) != BERTH_KIND_LAYER)
            return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                                   "layer %s has the unknown media type %.200s", descriptor->digest,
                                   descriptor->media_type);
        const BerthPullLayerRequest request = {
            .descriptor = descriptor,
            .manifest_digest = image->digest,
            .changed = pull_image_on_layer,
            .userdata = image,
        };
        g_ptr_array_add(image->layers,
                        berth_pull_layer_new(image->context, image->objects, &request));
    }
    return true;
}

/* The configuration has a diff ID for each layer of the manifest, in the same order (OCI config.md,
 * rootfs). Each layer's chain ID follows from its own diff ID and the chain below it. */
static bool pull_image_identify_layers(BerthPullImage *image, GError **error) {
    const GPtrArray *layers = image->layers;
    const char *parent = NULL;

    if (g_strv_length(image->info->diff_ids) != layers->len)
        return berth_error_set(
            error, BERTH_ERROR_INVALID_ARGUMENT,
            "the manifest has %u layers, but the image configuration %u diff IDs", layers->len,
            g_strv_length(image->info->diff_ids));
    for (guint i = 0; i < layers->len; i++) {
        const BerthPullLayerIdentity identity = {
            .diff_id = image->info->diff_ids[i],
            .parent = parent,
            .image_chain_id = image->info->chain_id,
        };
        berth_pull_layer_identify(layers->pdata[i], &identity);
        parent = berth_pull_layer_get_chain_id(layers->pdata[i]);
    }
    return true;
}

/* The result is stored for Create, which then does not have to read the documents again. An image
 * without layers is done at this point. */
static void pull_image_on_config_read(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthPullImage *image = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (!local)
        image->info =
            berth_image_info_read_reply(reply, image->digest, image->config->digest, &local);
    if (!image->info || !pull_image_identify_layers(image, &local) ||
        !berth_images_remember_info(image->context->images, image->target_digest,
                                    image->context->platform_text, image->info, &local))
        image->done(image->config->digest, local, image->userdata);
    else if (image->layers->len == 0)
        image->done(NULL, NULL, image->userdata);
    else
        pull_image_start_layers(image);
}

static void pull_image_on_config(const BerthDescriptor *descriptor, const GError *error,
                                 void *userdata) {
    BerthPullImage *image = userdata;
    BerthContentStore *store = berth_contents_get_store(image->context->images->contents);
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;
    berth_autofd int blob =
        local ? -1 : berth_content_store_open_blob(store, descriptor->digest, &local);

    if (blob < 0)
        image->done(descriptor->digest, local, image->userdata);
    else
        berth_call_inspect_config(image->context->inspect, blob, pull_image_on_config_read, image);
}

/* The largest layer that is requested before the configuration has been read. For a larger one the
 * round trip does not matter, and its data would compete with what has to be done first. */
enum { MAX_BYTES_AHEAD = 4 * 1024 * 1024 };

static bool is_fetched_ahead(const BerthPullContext *context, const BerthDescriptor *descriptor) {
    return descriptor->size <= MAX_BYTES_AHEAD &&
           !berth_pull_is_stored(context, descriptor->digest);
}

/* Requests the blobs of as many layers as will be unpacked at a time, instead of waiting for the
 * configuration first. If blobs are not kept, only the configuration tells which are needed. */
static void pull_image_fetch_ahead(BerthPullImage *image) {
    const BerthPullContext *context = image->context;
    const BerthSettings *settings = context->images->remotes->settings;
    unsigned places = settings->parallel_layers;

    if (context->mode != BERTH_PULL_PULL || !settings->keep_compressed)
        return;
    for (guint i = 0; i < image->layers->len && places > 0 &&
                      !berth_operation_has_ended(context->transfer->operation);
         i++) {
        if (!is_fetched_ahead(context, image->descriptors->pdata[i]))
            continue;
        berth_pull_layer_fetch_ahead(image->layers->pdata[i]);
        places--;
    }
}

/* The configuration comes first: without it, nothing is unpacked. */
void berth_pull_image_start(BerthPullImage *image) {
    const BerthPullFetch fetch = {
        .descriptor = image->config, .done = pull_image_on_config, .userdata = image};
    g_autoptr(GError) error = NULL;

    berth_pull_objects_fetch(image->objects, &fetch);
    if (berth_operation_has_ended(image->context->transfer->operation))
        return;
    if (pull_image_make_layers(image, &error))
        pull_image_fetch_ahead(image);
    else
        image->done(NULL, error, image->userdata);
}

GPtrArray *berth_pull_image_list_blobs(const BerthPullImage *image) {
    GPtrArray *digests = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < image->layers->len; i++) {
        const char *digest = berth_pull_layer_get_digest(image->layers->pdata[i]);
        if (!g_ptr_array_find_with_equal_func(digests, digest, g_str_equal, NULL))
            g_ptr_array_add(digests, g_strdup(digest));
    }
    return digests;
}
