/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "images/describe.h"

#include "base/cancel.h"

typedef struct {
    BerthImages *images;
    BerthClosure *closure;
    char *name;
    BerthDescriptor *target;
    BerthDescribed done;
    void *userdata;
    void *single; /* while the configuration of a manifest that stands alone is read */
} Describing;

static void free_platform(gpointer data) {
    BerthDescribedPlatform *platform = data;

    g_free(platform->platform);
    berth_descriptor_free(platform->manifest);
    g_ptr_array_unref(platform->layers);
    g_free(platform);
}

static void finish(Describing *describing, GPtrArray *platforms, const GError *error) {
    berth_cancel_forget(describing);
    describing->done(platforms, error, describing->userdata);
    describing->images->busy--;
    berth_descriptor_free(describing->target);
    g_free(describing->name);
    g_free(describing);
}

/* The configuration alone may claim anybody's chain, and that it is here is nobody else's business.
 */
static bool is_unpacked(BerthImages *images, const char *name, const char *manifest_digest) {
    g_autoptr(GPtrArray) infos = berth_image_store_list_infos(images->database, NULL);

    for (guint i = 0; infos && i < infos->len; i++) {
        g_autoptr(BerthImageInfo) info = berth_image_info_parse(infos->pdata[i]);
        if (info && g_str_equal(info->manifest_digest, manifest_digest))
            return berth_images_check_chain(images, name, info, NULL) &&
                   berth_snapshot_store_has(images->snapshots, info->chain_id);
    }
    return false;
}

static void add_content(BerthDescribedPlatform *platform, GPtrArray *items,
                        const BerthDescriptor *descriptor) {
    const BerthClosureItem *item = berth_closure_find(items, descriptor->digest);

    platform->bytes += descriptor->size;
    platform->complete = platform->complete && item && !item->missing;
}

static void add_manifest(const Describing *describing, GPtrArray *platforms, GPtrArray *items,
                         const BerthDescriptor *manifest, const char *name) {
    const BerthClosureItem *item = berth_closure_find(items, manifest->digest);
    const BerthDocument *document = item ? item->document : NULL;
    BerthDescribedPlatform *platform = g_new0(BerthDescribedPlatform, 1);

    platform->platform = g_strdup(name);
    platform->manifest = berth_descriptor_copy(manifest);
    platform->bytes = manifest->size;
    platform->complete = document != NULL;
    platform->layers = g_ptr_array_new_with_free_func((GDestroyNotify)berth_descriptor_free);
    g_ptr_array_add(platforms, platform);
    if (!document)
        return;
    if (document->config)
        add_content(platform, items, document->config);
    for (guint i = 0; i < document->layers->len; i++) {
        add_content(platform, items, document->layers->pdata[i]);
        g_ptr_array_add(platform->layers, berth_descriptor_copy(document->layers->pdata[i]));
    }
    platform->unpacked = is_unpacked(describing->images, describing->name, manifest->digest);
}

static void add_index(const Describing *describing, GPtrArray *platforms, GPtrArray *items,
                      const BerthDocument *index, unsigned depth) {
    for (guint i = 0; i < index->entries->len; i++) {
        const BerthIndexedManifest *entry = index->entries->pdata[i];
        const BerthClosureItem *item = berth_closure_find(items, entry->descriptor->digest);
        g_autofree char *name =
            entry->platform->os[0] ? berth_platform_format(entry->platform) : g_strdup("");
        if (item && item->document && item->document->is_index && depth < 4)
            add_index(describing, platforms, items, item->document, depth + 1);
        else
            add_manifest(describing, platforms, items, entry->descriptor,
                         entry->attestation ? "attestation" : name);
    }
}

/* A manifest that stands alone says its platform in its configuration only. */
static void on_info(const BerthImageInfo *info, const GError *error, void *userdata);

typedef struct {
    Describing *describing;
    GPtrArray *items;
} Single;

static void on_collected(GPtrArray *items, const GError *error, void *userdata) {
    Describing *describing = userdata;
    g_autoptr(GPtrArray) platforms = g_ptr_array_new_with_free_func(free_platform);
    const BerthClosureItem *root =
        error ? NULL : berth_closure_find(items, describing->target->digest);

    describing->closure = NULL;
    if (error) {
        finish(describing, NULL, error);
        return;
    }
    if (root && root->document && root->document->is_index) {
        add_index(describing, platforms, items, root->document, 0);
        finish(describing, platforms, NULL);
        return;
    }
    Single *single = g_new0(Single, 1);
    *single = (Single){describing, g_ptr_array_ref(items)};
    describing->single = single;
    berth_images_read_info(describing->images, describing->name, describing->target, NULL, on_info,
                           single);
}

static void on_info(const BerthImageInfo *info, const GError *error, void *userdata) {
    Single *single = userdata;
    Describing *describing = single->describing;
    g_autoptr(GPtrArray) platforms = g_ptr_array_new_with_free_func(free_platform);
    g_autofree char *name = info ? g_strconcat(info->os, "/", info->architecture,
                                               info->variant[0] ? "/" : "", info->variant, NULL)
                                 : g_strdup("");

    /* Something else than an image to run has no such configuration. */
    (void)error;
    add_manifest(describing, platforms, single->items, describing->target, name);
    g_ptr_array_unref(single->items);
    g_free(single);
    finish(describing, platforms, NULL);
}

/* What is read last, of a manifest that stands alone, ends it by itself. */
static void cancel_describing(void *userdata, const GError *error) {
    Describing *describing = userdata;

    if (describing->single) {
        berth_cancel_of_userdata(describing->single);
        return;
    }
    g_clear_pointer(&describing->closure, berth_closure_free);
    finish(describing, NULL, error);
}

void berth_images_describe(BerthImages *images, const BerthImage *image, BerthDescribed done,
                           void *userdata) {
    const BerthClosureScope scope = {.name = image->name};
    Describing *describing = g_new0(Describing, 1);
    g_autoptr(GError) error = NULL;

    *describing = (Describing){.images = images,
                               .name = g_strdup(image->name),
                               .target = berth_descriptor_copy(image->target),
                               .done = done,
                               .userdata = userdata};
    images->busy++;
    berth_cancel_register(describing, cancel_describing, userdata, NULL);
    describing->closure = berth_closure_collect(images, image->target, NULL, &scope, on_collected,
                                                describing, &error);
    if (!describing->closure)
        finish(describing, NULL, error);
}
