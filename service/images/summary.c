/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The short description of an image for lists, built from berth.db and the sizes in the store,
 * without a worker. There is no state. The one thing to know: a name does not reach everything that
 * its documents refer to, and the presence of anything else must not be disclosed
 * (store/provenance.h).
 */

#include "images/summary.h"

#include "base/size.h"
#include "store/provenance.h"

/* Blobs that were dropped after unpacking are not counted. */
static bool sum_blobs(BerthImages *images, const BerthImage *image, uint64_t *bytes,
                      GError **error) {
    BerthContentStore *store = berth_contents_get_store(images->contents);
    g_autoptr(GPtrArray) digests =
        berth_provenance_list_reached(images->database, image->name, image->target->digest, error);

    for (guint i = 0; digests && i < digests->len; i++) {
        g_auto(BerthBlob) blob = {0};
        if (berth_content_store_info(store, digests->pdata[i], &blob, NULL))
            berth_size_add(bytes, blob.size);
    }
    return digests != NULL;
}

/* An image without layers has no chain, and never counts as unpacked. */
static bool summary_is_unpacked(BerthImages *images, const BerthImage *image,
                                const BerthImageInfo *info) {
    return info->chain_id[0] && berth_images_check_chain(images, image->name, info, NULL) &&
           berth_snapshot_store_has(images->snapshots, info->chain_id);
}

static bool read_platforms(BerthImages *images, const BerthImage *image, BerthImageSummary *summary,
                           GError **error) {
    g_autoptr(GPtrArray) texts =
        berth_image_store_list_infos_of(images->database, image->target->digest, error);
    g_autoptr(GPtrArray) platforms = g_ptr_array_new();

    for (guint i = 0; texts && i < texts->len; i++) {
        g_autoptr(BerthImageInfo) info = berth_image_info_parse(texts->pdata[i]);
        if (!info)
            continue;
        g_autofree char *platform = berth_image_info_format_platform(info);
        if (!g_ptr_array_find_with_equal_func(platforms, platform, g_str_equal, NULL))
            g_ptr_array_add(platforms, g_steal_pointer(&platform));
        summary->unpacked = summary->unpacked || summary_is_unpacked(images, image, info);
    }
    g_ptr_array_add(platforms, NULL);
    summary->platforms = (char **)g_ptr_array_free(g_steal_pointer(&platforms), FALSE);
    return texts != NULL;
}

bool berth_images_summarize(BerthImages *images, const BerthImage *image,
                            BerthImageSummary *summary, GError **error) {
    *summary = (BerthImageSummary){0};
    return sum_blobs(images, image, &summary->bytes, error) &&
           read_platforms(images, image, summary, error);
}

void berth_image_summary_clear(BerthImageSummary *summary) {
    g_strfreev(summary->platforms);
    *summary = (BerthImageSummary){0};
}
