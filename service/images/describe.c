/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Describing an image: its documents are collected (images/closure.h), and each manifest becomes
 * one platform. A manifest that stands alone names its platform in its configuration only, which is
 * then read as well. The operation owns the object and reports to the caller.
 */

#include "images/describe.h"

#include "base/operation.h"

typedef struct {
    BerthOperation *operation;
    BerthImages *images;
    BerthClosure *closure;   /* while it collects */
    BerthOperation *reading; /* while it reads the configuration */
    GPtrArray *items;        /* of BerthClosureItem, from the closure */
    GPtrArray *infos;        /* of BerthImageInfo: every image that was read; NULL before that */
    GPtrArray *platforms;    /* of BerthDescribedPlatform, the answer */
    char *name;
    BerthDescriptor *target;
    BerthDescribed done;
    void *userdata;
} Describing;

static void described_platform_free(gpointer data) {
    BerthDescribedPlatform *platform = data;

    g_free(platform->platform);
    berth_descriptor_free(platform->manifest);
    g_ptr_array_unref(platform->layers);
    g_free(platform);
}

static void describing_tell(void *object, const GError *error) {
    const Describing *describing = object;

    describing->done(error ? NULL : describing->platforms, error, describing->userdata);
}

/* What is under way is cancelled: the caller has been answered or has left. */
static void describing_free(void *object) {
    Describing *describing = object;

    berth_closure_free(describing->closure);
    berth_operation_abandon(describing->reading);
    g_clear_pointer(&describing->items, g_ptr_array_unref);
    g_clear_pointer(&describing->infos, g_ptr_array_unref);
    g_ptr_array_unref(describing->platforms);
    berth_descriptor_free(describing->target);
    g_free(describing->name);
    g_free(describing);
}

/* Once for all manifests of an index. */
static void describing_read_infos(Describing *describing) {
    g_autoptr(GPtrArray) texts = berth_image_store_list_infos(describing->images->database, NULL);

    describing->infos = g_ptr_array_new_with_free_func((GDestroyNotify)berth_image_info_free);
    for (guint i = 0; texts && i < texts->len; i++) {
        BerthImageInfo *info = berth_image_info_parse(texts->pdata[i]);
        if (info)
            g_ptr_array_add(describing->infos, info);
    }
}

/* Whether the image of this manifest is unpacked. The record of chains decides: a configuration
 * alone may claim the chain of any other image, and its presence must not be disclosed. */
static bool describing_is_unpacked(const Describing *describing, const char *manifest_digest) {
    BerthImages *images = describing->images;

    for (guint i = 0; i < describing->infos->len; i++) {
        const BerthImageInfo *info = describing->infos->pdata[i];
        if (g_str_equal(info->manifest_digest, manifest_digest))
            return berth_images_check_chain(images, describing->name, info, NULL) &&
                   berth_snapshot_store_has(images->snapshots, info->chain_id);
    }
    return false;
}

/* Sizes are those that the manifest states, so that an image of which parts are missing has one,
 * too. */
static void add_content(BerthDescribedPlatform *platform, GPtrArray *items,
                        const BerthDescriptor *descriptor) {
    const BerthClosureItem *item = berth_closure_find(items, descriptor->digest);

    platform->bytes += descriptor->size;
    platform->complete = platform->complete && item && !item->missing;
}

/* A manifest that is not here is listed as incomplete, with what the index says of it. */
static void add_manifest(const Describing *describing, GPtrArray *items,
                         const BerthDescriptor *manifest, const char *name) {
    const BerthClosureItem *item = berth_closure_find(items, manifest->digest);
    const BerthDocument *document = item ? item->document : NULL;
    BerthDescribedPlatform *platform = g_new0(BerthDescribedPlatform, 1);

    platform->platform = g_strdup(name);
    platform->manifest = berth_descriptor_copy(manifest);
    platform->bytes = manifest->size;
    platform->complete = document != NULL;
    platform->layers = g_ptr_array_new_with_free_func((GDestroyNotify)berth_descriptor_free);
    g_ptr_array_add(describing->platforms, platform);
    if (!document)
        return;
    if (document->config)
        add_content(platform, items, document->config);
    for (guint i = 0; i < document->layers->len; i++) {
        add_content(platform, items, document->layers->pdata[i]);
        g_ptr_array_add(platform->layers, berth_descriptor_copy(document->layers->pdata[i]));
    }
    platform->unpacked = describing_is_unpacked(describing, manifest->digest);
}

/* The platform of each manifest is the one that the index states; its configuration is not read. */
static void add_index(const Describing *describing, GPtrArray *items, const BerthDocument *index,
                      unsigned depth) {
    for (guint i = 0; i < index->entries->len; i++) {
        const BerthIndexedManifest *entry = index->entries->pdata[i];
        const BerthClosureItem *item = berth_closure_find(items, entry->descriptor->digest);
        g_autofree char *name =
            entry->platform->os[0] ? berth_platform_format(entry->platform) : g_strdup("");
        /* Nested indexes, to a limit; a deeper one is listed like a manifest. */
        if (item && item->document && item->document->is_index && depth < 4)
            add_index(describing, items, item->document, depth + 1);
        else
            add_manifest(describing, items, entry->descriptor,
                         entry->attestation ? "attestation" : name);
    }
}

/* Anything but an image to run has no such configuration; its platform stays unknown. */
static void describing_on_info(const BerthImageInfo *info, const GError *error, void *userdata) {
    Describing *describing = userdata;
    g_autofree char *name = info ? berth_image_info_format_platform(info) : g_strdup("");

    (void)error;
    describing->reading = NULL;
    describing_read_infos(describing);
    add_manifest(describing, describing->items, describing->target, name);
    berth_operation_end(describing->operation, NULL);
}

/* The closure gives its items up when this returns, hence the reference. */
static void describing_on_collected(GPtrArray *items, const GError *error, void *userdata) {
    Describing *describing = userdata;

    describing->closure = NULL;
    if (error) {
        berth_operation_end(describing->operation, error);
        return;
    }
    describing->items = g_ptr_array_ref(items);
    const BerthClosureItem *root = berth_closure_find(items, describing->target->digest);
    if (root && root->document && root->document->is_index) {
        describing_read_infos(describing);
        add_index(describing, items, root->document, 0);
        berth_operation_end(describing->operation, NULL);
        return;
    }
    describing->reading =
        berth_images_read_info(describing->images, describing->name, describing->target, NULL,
                               describing_on_info, describing);
}

void berth_images_describe(BerthImages *images, const BerthImage *image, BerthDescribed done,
                           void *userdata) {
    static const BerthOperationType type = {.tell = describing_tell, .free = describing_free};
    const BerthClosureScope scope = {.name = image->name};
    Describing *describing = g_new0(Describing, 1);
    g_autoptr(GError) error = NULL;

    *describing = (Describing){.images = images,
                               .platforms = g_ptr_array_new_with_free_func(described_platform_free),
                               .name = g_strdup(image->name),
                               .target = berth_descriptor_copy(image->target),
                               .done = done,
                               .userdata = userdata};
    describing->operation = berth_operation_new(images->event, &type, describing);
    berth_operation_set_caller(describing->operation, userdata, NULL);
    describing->closure = berth_closure_collect(images, image->target, NULL, &scope,
                                                describing_on_collected, describing, &error);
    if (!describing->closure)
        berth_operation_end(describing->operation, error);
}
