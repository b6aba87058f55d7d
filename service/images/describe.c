/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Describes an image: its documents are collected (images/closure.h), and each manifest becomes one
 * platform. Only the configuration of a manifest outside any index names its platform, so it is
 * read as well. The operation owns the object, which reports to the caller.
 */

#include "images/describe.h"

#include "base/operation.h"

typedef struct {
    BerthOperation *operation;
    BerthImages *images;
    BerthClosure *closure;   /* while collecting */
    BerthOperation *reading; /* while reading the configuration */
    GPtrArray *items;        /* of BerthClosureItem, from the closure */
    GPtrArray *infos;     /* of BerthImageInfo: all images that have been read; NULL before that */
    GPtrArray *platforms; /* of BerthDescribedPlatform: the result */
    char *name;
    BerthDescriptor *target;
    BerthImageDescribed done;
    void *userdata;
} Description;

static void described_platform_free(gpointer data) {
    BerthDescribedPlatform *platform = data;

    g_free(platform->platform);
    berth_descriptor_free(platform->manifest);
    g_ptr_array_unref(platform->layers);
    g_free(platform);
}

static void description_report(void *object, const GError *error) {
    const Description *description = object;

    description->done(error ? NULL : description->platforms, error, description->userdata);
}

/* Cancels everything pending: the caller has been answered or has left. */
static void description_free(void *object) {
    Description *description = object;

    berth_closure_free(description->closure);
    berth_operation_abandon(description->reading);
    g_clear_pointer(&description->items, g_ptr_array_unref);
    g_clear_pointer(&description->infos, g_ptr_array_unref);
    g_ptr_array_unref(description->platforms);
    berth_descriptor_free(description->target);
    g_free(description->name);
    g_free(description);
}

/* Done once for all manifests of an index. */
static void description_read_infos(Description *description) {
    g_autoptr(GPtrArray) texts = berth_image_store_list_infos(description->images->database, NULL);

    description->infos = g_ptr_array_new_with_free_func((GDestroyNotify)berth_image_info_free);
    for (guint i = 0; texts && i < texts->len; i++) {
        BerthImageInfo *info = berth_image_info_parse(texts->pdata[i]);
        if (info)
            g_ptr_array_add(description->infos, info);
    }
}

/* Whether the image of this manifest is unpacked. This is decided by the recorded chains: a
 * configuration alone may claim the chain of any other image, whose presence must not be
 * disclosed. */
static bool description_is_unpacked(const Description *description, const char *manifest_digest) {
    BerthImages *images = description->images;

    for (guint i = 0; i < description->infos->len; i++) {
        const BerthImageInfo *info = description->infos->pdata[i];
        if (g_str_equal(info->manifest_digest, manifest_digest))
            return berth_images_check_chain(images, description->name, info, NULL) &&
                   berth_snapshot_store_has(images->snapshots, info->chain_id);
    }
    return false;
}

/* Sizes are taken from the manifest, so that an image with missing parts has a size as well. */
static void add_content(BerthDescribedPlatform *platform, GPtrArray *items,
                        const BerthDescriptor *descriptor) {
    const BerthClosureItem *item = berth_closure_find(items, descriptor->digest);

    platform->bytes += descriptor->size;
    platform->complete = platform->complete && item && !item->missing;
}

/* A manifest that is not stored is listed as incomplete, with the information from the index. */
static void add_manifest(const Description *description, GPtrArray *items,
                         const BerthDescriptor *manifest, const char *name) {
    const BerthClosureItem *item = berth_closure_find(items, manifest->digest);
    const BerthDocument *document = item ? item->document : NULL;
    BerthDescribedPlatform *platform = g_new0(BerthDescribedPlatform, 1);

    platform->platform = g_strdup(name);
    platform->manifest = berth_descriptor_copy(manifest);
    platform->bytes = manifest->size;
    platform->complete = document != NULL;
    platform->layers = g_ptr_array_new_with_free_func((GDestroyNotify)berth_descriptor_free);
    g_ptr_array_add(description->platforms, platform);
    if (!document)
        return;
    if (document->config)
        add_content(platform, items, document->config);
    for (guint i = 0; i < document->layers->len; i++) {
        add_content(platform, items, document->layers->pdata[i]);
        g_ptr_array_add(platform->layers, berth_descriptor_copy(document->layers->pdata[i]));
    }
    platform->unpacked = description_is_unpacked(description, manifest->digest);
}

/* The platform of each manifest is the one stated in the index; its configuration is not read. */
static void add_index(const Description *description, GPtrArray *items, const BerthDocument *index,
                      unsigned depth) {
    for (guint i = 0; i < index->entries->len; i++) {
        const BerthIndexedManifest *entry = index->entries->pdata[i];
        const BerthClosureItem *item = berth_closure_find(items, entry->descriptor->digest);
        g_autofree char *name =
            entry->platform->os[0] ? berth_platform_format(entry->platform) : g_strdup("");
        /* Nested indexes are followed up to a limit; a deeper one is listed like a manifest. */
        if (item && item->document && item->document->is_index && depth < 4)
            add_index(description, items, item->document, depth + 1);
        else
            add_manifest(description, items, entry->descriptor,
                         entry->attestation ? "attestation" : name);
    }
}

/* Anything other than a runnable image has no such configuration; its platform remains unknown. */
static void description_on_info(const BerthImageInfo *info, const GError *error, void *userdata) {
    Description *description = userdata;
    g_autofree char *name = info ? berth_image_info_format_platform(info) : g_strdup("");

    (void)error;
    description->reading = NULL;
    description_read_infos(description);
    add_manifest(description, description->items, description->target, name);
    berth_operation_end(description->operation, NULL);
}

/* The closure drops its items when this returns, hence the reference. */
static void description_on_collected(GPtrArray *items, const GError *error, void *userdata) {
    Description *description = userdata;

    description->closure = NULL;
    if (error) {
        berth_operation_end(description->operation, error);
        return;
    }
    description->items = g_ptr_array_ref(items);
    const BerthClosureItem *root = berth_closure_find(items, description->target->digest);
    if (root && root->document && root->document->is_index) {
        description_read_infos(description);
        add_index(description, items, root->document, 0);
        berth_operation_end(description->operation, NULL);
        return;
    }
    description->reading =
        berth_images_read_info(description->images, description->name, description->target, NULL,
                               description_on_info, description);
}

void berth_images_describe(BerthImages *images, const BerthImage *image, BerthImageDescribed done,
                           void *userdata) {
    static const BerthOperationType type = {.tell = description_report, .free = description_free};
    const BerthClosureScope scope = {.name = image->name};
    Description *description = g_new0(Description, 1);
    g_autoptr(GError) error = NULL;

    *description =
        (Description){.images = images,
                      .platforms = g_ptr_array_new_with_free_func(described_platform_free),
                      .name = g_strdup(image->name),
                      .target = berth_descriptor_copy(image->target),
                      .done = done,
                      .userdata = userdata};
    description->operation = berth_operation_new(images->event, &type, description);
    berth_operation_set_caller(description->operation, userdata, NULL);
    description->closure = berth_closure_collect(images, image->target, NULL, &scope,
                                                 description_on_collected, description, &error);
    if (!description->closure)
        berth_operation_end(description->operation, error);
}
