/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Explains why content is kept, and lists how much space is used, immediately, from berth.db and
 * the store. There is no state. The one thing to know: everything that the caller may not see is
 * listed together, as another user's.
 */

#include "images/usage.h"

#include "base/digest.h"
#include "base/size.h"
#include "images/prune.h"
#include "store/provenance.h"

/* A manifest also keeps the snapshots of its image, so the reasons for these are those for the
 * manifest. */
static bool add_reasons(BerthImages *images, const char *manifest, const BerthReachViewer *viewer,
                        GPtrArray *words, GError **error) {
    g_autoptr(GPtrArray) reasons = berth_reach_explain(images->database, manifest, viewer, error);

    for (guint i = 0; reasons && i < reasons->len; i++)
        if (!g_ptr_array_find_with_equal_func(words, reasons->pdata[i], g_str_equal, NULL))
            g_ptr_array_add(words, g_strdup(reasons->pdata[i]));
    return reasons != NULL;
}

/* The digest may be that of a blob or the chain ID of a snapshot; both have the same form, so it is
 * looked up as each of them. */
GPtrArray *berth_images_explain(BerthImages *images, const char *digest,
                                const BerthReachViewer *viewer, GError **error) {
    g_autoptr(GPtrArray) words = NULL;
    g_autoptr(GPtrArray) infos = NULL;

    if (!berth_digest_parse(digest, NULL, error) ||
        !(words = berth_reach_explain(images->database, digest, viewer, error)) ||
        !(infos = berth_image_store_list_infos(images->database, error)))
        return NULL;
    /* A snapshot is kept by each image whose chain contains it. */
    for (guint i = 0; i < infos->len; i++) {
        g_autoptr(BerthImageInfo) info = berth_image_info_parse(infos->pdata[i]);
        if (info && berth_snapshot_store_is_below(images->snapshots, digest, info->chain_id) &&
            !add_reasons(images, info->manifest_digest, viewer, words, error))
            return NULL;
    }
    if (berth_contents_is_pinned(images->contents, digest))
        g_ptr_array_add(words, g_strdup("a transfer or a mount of a container"));
    return g_steal_pointer(&words);
}

static void free_usage(gpointer data) {
    BerthUsage *usage = data;

    g_free(usage->name);
    g_free(usage);
}

/* Adds an entry. The entries of one kind whose names the caller may not see are merged. */
static BerthUsage *add_usage(GPtrArray *list, const char *kind, const char *name) {
    for (guint i = 0; g_str_equal(name, BERTH_REACH_HIDDEN_NAME) && i < list->len; i++) {
        BerthUsage *present = list->pdata[i];
        if (g_str_equal(present->kind, kind) && g_str_equal(present->name, name))
            return present;
    }
    BerthUsage *usage = g_new0(BerthUsage, 1);

    usage->kind = kind;
    usage->name = g_strdup(name);
    g_ptr_array_add(list, usage);
    return usage;
}

/* Returns a list of blob digests for each image. */
static GPtrArray *list_blobs(BerthImages *images, GPtrArray *names, GError **error) {
    g_autoptr(GPtrArray) lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

    for (guint i = 0; i < names->len; i++) {
        GPtrArray *digests = berth_reach_list_blobs_of(
            images->database, ((BerthImage *)names->pdata[i])->target->digest, error);
        if (!digests)
            return NULL;
        g_ptr_array_add(lists, digests);
    }
    return g_steal_pointer(&lists);
}

/* Counts to how many images each blob belongs: a blob that belongs to a single image is freed with
 * it. The digests belong to the lists. */
static GHashTable *count_users(GPtrArray *lists) {
    GHashTable *users = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < lists->len; i++) {
        const GPtrArray *digests = lists->pdata[i];
        for (guint k = 0; k < digests->len; k++) {
            guint count = GPOINTER_TO_UINT(g_hash_table_lookup(users, digests->pdata[k]));
            g_hash_table_replace(users, digests->pdata[k], GUINT_TO_POINTER(count + 1));
        }
    }
    return users;
}

/* The bytes of an image include shared blobs in full; unique counts only blobs that belong to no
 * other image. */
static bool add_images(BerthImages *images, GPtrArray *list, const BerthReachViewer *viewer,
                       GError **error) {
    BerthContentStore *store = berth_contents_get_store(images->contents);
    g_autoptr(GPtrArray) names = berth_image_store_list(images->database, error);
    g_autoptr(GPtrArray) lists = names ? list_blobs(images, names, error) : NULL;
    g_autoptr(GHashTable) users = lists ? count_users(lists) : NULL;

    for (guint i = 0; users && i < names->len; i++) {
        const BerthImage *image = names->pdata[i];
        bool is_shown = viewer->images ||
                        berth_provenance_vouches(images->database, image->name, viewer->owner);
        BerthUsage *usage =
            add_usage(list, "image", is_shown ? image->name : BERTH_REACH_HIDDEN_NAME);
        const GPtrArray *digests = lists->pdata[i];
        for (guint k = 0; k < digests->len; k++) {
            g_auto(BerthBlob) blob = {0};
            if (!berth_content_store_info(store, digests->pdata[k], &blob, NULL))
                continue;
            berth_size_add(&usage->bytes, blob.size);
            if (GPOINTER_TO_UINT(g_hash_table_lookup(users, blob.digest)) == 1)
                berth_size_add(&usage->unique, blob.size);
        }
    }
    return users != NULL;
}

/* Marks like a collection does, so that the figure is what a collection would free now. */
static bool add_garbage(BerthImages *images, GPtrArray *list, GError **error) {
    BerthContentStore *store = berth_contents_get_store(images->contents);
    g_autoptr(GPtrArray) blobs = berth_content_store_list(store, error);

    if (!blobs || !berth_prune_mark(images, error))
        return false;
    g_autoptr(GPtrArray) chains = berth_reach_list_chains(images->database, error);
    BerthUsage *usage = add_usage(list, "garbage", "");
    for (guint i = 0; i < blobs->len; i++) {
        const BerthBlob *blob = blobs->pdata[i];
        if (!berth_reach_has_blob(images->database, blob->digest))
            berth_size_add(&usage->bytes, blob->size);
    }
    for (guint i = 0; chains && i < chains->len; i++)
        berth_size_add(&usage->bytes, ((BerthUnreachedChain *)chains->pdata[i])->size);
    usage->unique = usage->bytes;
    return chains != NULL;
}

static bool add_ingests(BerthImages *images, GPtrArray *list, const BerthReachViewer *viewer,
                        GError **error) {
    g_autoptr(GPtrArray) ingests =
        berth_content_store_list_ingests(berth_contents_get_store(images->contents), error);

    for (guint i = 0; ingests && i < ingests->len; i++) {
        const BerthIngestInfo *info = ingests->pdata[i];
        bool is_shown = viewer->others || info->owner == viewer->owner;
        BerthUsage *usage =
            add_usage(list, "ingest", is_shown ? info->ref : BERTH_REACH_HIDDEN_NAME);
        berth_size_add(&usage->bytes, info->offset);
        usage->unique = usage->bytes;
    }
    return ingests != NULL;
}

GPtrArray *berth_images_list_usage(BerthImages *images, const BerthReachViewer *viewer,
                                   GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_usage);
    uint64_t snapshots;

    if (!add_images(images, list, viewer, error) ||
        !berth_snapshot_store_sum(images->snapshots, &snapshots, error))
        return NULL;
    BerthUsage *usage = add_usage(list, "snapshots", "");
    usage->bytes = usage->unique = snapshots;
    if (!add_ingests(images, list, viewer, error) || !add_garbage(images, list, error))
        return NULL;
    return g_steal_pointer(&list);
}
