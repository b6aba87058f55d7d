/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Collection has two states: first it reads the documents of the images that were not read yet, one
 * closure after the other, until there is none left; then it marks and sweeps, in one step of the
 * loop. The operation owns the object and tells the caller.
 */

#include "images/prune.h"

#include "base/log.h"
#include "base/operation.h"
#include "images/closure.h"
#include "snapshots/trash.h"
#include "store/lease-store.h"
#include "store/provenance.h"
#include "store/reach.h"

typedef struct {
    BerthOperation *operation;
    BerthImages *images;
    bool dry_run;
    GPtrArray *names; /* of BerthImage, whose documents are still to be read */
    GHashTable *seen; /* digests of images that are in names or were */
    BerthClosure *closure;
    GPtrArray *digests; /* of char *, what was removed */
    uint64_t bytes;     /* that it took */
    BerthPruned done;
    void *userdata;
} Prune;

static void prune_read_next(Prune *prune);

static void prune_tell(void *object, const GError *error) {
    const Prune *prune = object;

    prune->done(error ? NULL : prune->digests, prune->bytes, error, prune->userdata);
}

static void prune_free(void *object) {
    Prune *prune = object;

    berth_closure_free(prune->closure);
    g_clear_pointer(&prune->names, g_ptr_array_unref);
    g_ptr_array_unref(prune->digests);
    g_hash_table_unref(prune->seen);
    g_free(prune);
}

/* The snapshots that images stand on: for every platform that was unpacked. After the blobs are
 * marked, which tell whose images those are. */
static bool add_chains_of_images(BerthImages *images, GError **error) {
    g_autoptr(GPtrArray) infos = berth_image_store_list_infos(images->database, error);

    for (guint i = 0; infos && i < infos->len; i++) {
        g_autoptr(BerthImageInfo) info = berth_image_info_parse(infos->pdata[i]);
        if (info &&
            berth_reach_keeps_chain(images->database, info->manifest_digest, info->chain_id) &&
            !berth_reach_add_chain(images->database, info->chain_id, error))
            return false;
    }
    return infos != NULL;
}

static bool add_pins(BerthImages *images, GError **error) {
    g_autoptr(GPtrArray) pins = berth_contents_list_pins(images->contents);

    /* A pin may be of either kind; none is both. */
    for (guint i = 0; i < pins->len; i++)
        if (!berth_reach_add_blob(images->database, pins->pdata[i], error) ||
            !berth_reach_add_chain(images->database, pins->pdata[i], error))
            return false;
    return true;
}

static bool mark(BerthImages *images, GError **error) {
    return berth_lease_store_expire(images->database, error) &&
           berth_reach_begin(images->database, error) && add_pins(images, error) &&
           berth_reach_spread_blobs(images->database, error) &&
           add_chains_of_images(images, error) &&
           berth_reach_spread_chains(images->database, error);
}

static bool prune_sweep_blobs(Prune *prune, GError **error) {
    BerthImages *images = prune->images;
    BerthContentStore *store = berth_contents_get_store(images->contents);
    g_autoptr(GPtrArray) blobs = berth_content_store_list(store, error);
    g_autoptr(GPtrArray) dead = g_ptr_array_new();

    if (!blobs)
        return false;
    for (guint i = 0; i < blobs->len; i++) {
        const BerthBlob *blob = blobs->pdata[i];
        if (berth_reach_has_blob(images->database, blob->digest))
            continue;
        prune->bytes += blob->size;
        g_ptr_array_add(prune->digests, g_strdup(blob->digest));
        g_ptr_array_add(dead, blob->digest);
    }
    return prune->dry_run || (berth_contents_discard(images->contents, dead, error) &&
                              berth_reach_forget(images->database, error));
}

static bool prune_sweep_snapshots(Prune *prune, GError **error) {
    BerthImages *images = prune->images;
    g_autoptr(GPtrArray) dead = berth_reach_list_chains(images->database, error);

    for (guint i = 0; dead && i < dead->len; i++) {
        const BerthUnreached *unreached = dead->pdata[i];
        if (!prune->dry_run &&
            !berth_snapshot_store_remove(images->snapshots, unreached->chain_id, error))
            return false;
        prune->bytes += unreached->size;
        g_ptr_array_add(prune->digests, g_strdup(unreached->chain_id));
    }
    return dead != NULL;
}

static void prune_collect(Prune *prune) {
    BerthImages *images = prune->images;
    g_autoptr(GError) error = NULL;

    if (mark(images, &error) && prune_sweep_blobs(prune, &error) &&
        prune_sweep_snapshots(prune, &error) && !prune->dry_run)
        berth_contents_expire_ingests(images->contents, BERTH_INGEST_LIFE_USEC);
    if (!error && !prune->dry_run && prune->digests->len > 0)
        berth_log(LOG_INFO, BERTH_MESSAGE_CONTENT_PRUNED, NULL, NULL,
                  "Removed %u blobs and snapshots of %" G_GUINT64_FORMAT
                  " bytes that nothing needs",
                  prune->digests->len, prune->bytes);
    berth_operation_end(prune->operation, error);
}

/* As opposed to a failure of the reader, which says nothing about what the image needs. */
static bool is_documents_fault(const GError *error) {
    return error->code == BERTH_ERROR_INVALID_ARGUMENT || error->code == BERTH_ERROR_NOT_FOUND ||
           error->code == BERTH_ERROR_LIMIT_EXCEEDED || error->code == BERTH_ERROR_UNSUPPORTED;
}

/* An image with invalid documents keeps what is recorded of it. */
static void prune_on_collected(GPtrArray *items, const GError *error, void *userdata) {
    Prune *prune = userdata;

    (void)items;
    prune->closure = NULL;
    if (error && !is_documents_fault(error)) {
        berth_operation_end(prune->operation, error);
        return;
    }
    if (error)
        berth_log_warning(NULL, NULL, "An image cannot be read: %s", error->message);
    prune_read_next(prune);
}

/* Images that were named while others were being read are read as well: nobody else may have noted
 * what they refer to. */
static bool prune_list_unseen(Prune *prune, GError **error) {
    g_autoptr(GPtrArray) names = berth_image_store_list(prune->images->database, error);

    if (!names)
        return false;
    /* Each digest once, whatever names it has. */
    for (guint i = names->len; i-- > 0;)
        if (!g_hash_table_add(prune->seen,
                              g_strdup(((BerthImage *)names->pdata[i])->target->digest)))
            g_ptr_array_remove_index_fast(names, i);
    g_clear_pointer(&prune->names, g_ptr_array_unref);
    prune->names = g_steal_pointer(&names);
    return true;
}

static void prune_read_next(Prune *prune) {
    g_autoptr(BerthImage) image = NULL;
    g_autoptr(GError) error = NULL;

    if ((!prune->names || prune->names->len == 0) && !prune_list_unseen(prune, &error)) {
        berth_operation_end(prune->operation, error);
        return;
    }
    if (prune->names->len == 0) {
        prune_collect(prune);
        return;
    }
    image = g_ptr_array_steal_index_fast(prune->names, prune->names->len - 1);
    /* All that any name might reach is kept, whosever it is. */
    const BerthClosureScope everything = {.everything = true};
    prune->closure = berth_closure_collect(prune->images, image->target, NULL, &everything,
                                           prune_on_collected, prune, &error);
    if (!prune->closure)
        berth_operation_end(prune->operation, error);
}

void berth_images_prune(BerthImages *images, const BerthPruneRequest *request, BerthPruned done,
                        void *userdata) {
    static const BerthOperationType type = {.tell = prune_tell, .free = prune_free};
    Prune *prune = g_new0(Prune, 1);

    *prune =
        (Prune){.images = images, .dry_run = request->dry_run, .done = done, .userdata = userdata};
    prune->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    prune->digests = g_ptr_array_new_with_free_func(g_free);
    prune->operation = berth_operation_new(images->event, &type, prune);
    berth_operation_set_caller(prune->operation, userdata, NULL);
    prune_read_next(prune);
}

/* What keeps a manifest keeps the snapshots of its image. */
static bool add_reasons(BerthImages *images, const char *manifest, const BerthSight *sight,
                        GPtrArray *words, GError **error) {
    g_autoptr(GPtrArray) reasons = berth_reach_explain(images->database, manifest, sight, error);

    for (guint i = 0; reasons && i < reasons->len; i++)
        if (!g_ptr_array_find_with_equal_func(words, reasons->pdata[i], g_str_equal, NULL))
            g_ptr_array_add(words, g_strdup(reasons->pdata[i]));
    return reasons != NULL;
}

GPtrArray *berth_images_explain(BerthImages *images, const char *digest, const BerthSight *sight,
                                GError **error) {
    g_autoptr(GPtrArray) words = NULL;
    g_autoptr(GPtrArray) infos = NULL;

    if (!berth_digest_parse(digest, NULL, error) ||
        !(words = berth_reach_explain(images->database, digest, sight, error)) ||
        !(infos = berth_image_store_list_infos(images->database, error)))
        return NULL;
    /* A snapshot is kept by what keeps the images whose chain it is in. */
    for (guint i = 0; i < infos->len; i++) {
        g_autoptr(BerthImageInfo) info = berth_image_info_parse(infos->pdata[i]);
        if (info && berth_snapshot_store_is_below(images->snapshots, digest, info->chain_id) &&
            !add_reasons(images, info->manifest_digest, sight, words, error))
            return NULL;
    }
    if (berth_contents_is_pinned(images->contents, digest))
        g_ptr_array_add(words, g_strdup("a transfer that is running"));
    return g_steal_pointer(&words);
}

/* As in what explains a blob. */
#define NOT_TOLD "of another user"

static void free_usage(gpointer data) {
    BerthUsage *usage = data;

    g_free(usage->name);
    g_free(usage);
}

/* What has no name for the caller is one together. */
static BerthUsage *add_usage(GPtrArray *list, const char *kind, const char *name) {
    for (guint i = 0; g_str_equal(name, NOT_TOLD) && i < list->len; i++) {
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

/* How many images each blob belongs to. */
static GHashTable *count_users(BerthImages *images, GPtrArray *names, GError **error) {
    g_autoptr(GHashTable) users = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < names->len; i++) {
        g_autoptr(GPtrArray) digests = berth_reach_list_blobs_of(
            images->database, ((BerthImage *)names->pdata[i])->target->digest, error);
        if (!digests)
            return NULL;
        for (guint k = 0; k < digests->len; k++) {
            guint count = GPOINTER_TO_UINT(g_hash_table_lookup(users, digests->pdata[k]));
            g_hash_table_replace(users, g_strdup(digests->pdata[k]), GUINT_TO_POINTER(count + 1));
        }
    }
    return g_steal_pointer(&users);
}

static bool add_images(BerthImages *images, GPtrArray *list, const BerthSight *sight,
                       GError **error) {
    BerthContentStore *store = berth_contents_get_store(images->contents);
    g_autoptr(GPtrArray) names = berth_image_store_list(images->database, error);
    g_autoptr(GHashTable) users = names ? count_users(images, names, error) : NULL;

    for (guint i = 0; users && i < names->len; i++) {
        const BerthImage *image = names->pdata[i];
        bool told =
            sight->images || berth_provenance_vouches(images->database, image->name, sight->owner);
        BerthUsage *usage = add_usage(list, "image", told ? image->name : NOT_TOLD);
        g_autoptr(GPtrArray) digests =
            berth_reach_list_blobs_of(images->database, image->target->digest, error);
        if (!digests)
            return false;
        for (guint k = 0; k < digests->len; k++) {
            g_auto(BerthBlob) blob = {0};
            if (!berth_content_store_info(store, digests->pdata[k], &blob, NULL))
                continue;
            usage->bytes += blob.size;
            if (GPOINTER_TO_UINT(g_hash_table_lookup(users, blob.digest)) == 1)
                usage->unique += blob.size;
        }
    }
    return users != NULL;
}

static bool add_garbage(BerthImages *images, GPtrArray *list, GError **error) {
    BerthContentStore *store = berth_contents_get_store(images->contents);
    g_autoptr(GPtrArray) blobs = berth_content_store_list(store, error);

    if (!blobs || !mark(images, error))
        return false;
    g_autoptr(GPtrArray) chains = berth_reach_list_chains(images->database, error);
    BerthUsage *usage = add_usage(list, "garbage", "");
    for (guint i = 0; i < blobs->len; i++) {
        const BerthBlob *blob = blobs->pdata[i];
        if (!berth_reach_has_blob(images->database, blob->digest))
            usage->bytes += blob->size;
    }
    for (guint i = 0; chains && i < chains->len; i++)
        usage->bytes += ((BerthUnreached *)chains->pdata[i])->size;
    usage->unique = usage->bytes;
    return chains != NULL;
}

static bool add_ingests(BerthImages *images, GPtrArray *list, const BerthSight *sight,
                        GError **error) {
    g_autoptr(GPtrArray) ingests =
        berth_content_store_list_ingests(berth_contents_get_store(images->contents), error);

    for (guint i = 0; ingests && i < ingests->len; i++) {
        const BerthIngestInfo *info = ingests->pdata[i];
        bool told = sight->others || info->owner == sight->owner;
        BerthUsage *usage = add_usage(list, "ingest", told ? info->ref : NOT_TOLD);
        usage->bytes = usage->unique = usage->bytes + info->offset;
    }
    return ingests != NULL;
}

GPtrArray *berth_images_list_usage(BerthImages *images, const BerthSight *sight, GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_usage);
    uint64_t snapshots;

    if (!add_images(images, list, sight, error) ||
        !berth_snapshot_store_sum(images->snapshots, &snapshots, error))
        return NULL;
    BerthUsage *usage = add_usage(list, "snapshots", "");
    usage->bytes = usage->unique = snapshots;
    if (!add_ingests(images, list, sight, error) || !add_garbage(images, list, error))
        return NULL;
    return g_steal_pointer(&list);
}
