/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A collection has two states: first it reads the documents whose children are not recorded, one
 * closure after the other, until there are none left; then it marks and sweeps in a single
 * iteration of the loop. A pull records what it reads, so there are documents to read only after a
 * Put, or if an earlier version has pulled them. The operation owns the object, which reports to
 * the caller.
 */

#include "images/prune.h"

#include "base/log.h"
#include "base/operation.h"
#include "base/size.h"
#include "images/closure.h"
#include "snapshots/trash.h"
#include "store/lease-store.h"
#include "store/provenance.h"
#include "store/reach.h"

typedef struct {
    BerthOperation *operation;
    BerthImages *images;
    bool dry_run;
    GPtrArray *unread; /* of BerthDescriptor: documents still to be read */
    GHashTable *seen;  /* "KIND DIGEST" of all documents that are or were in unread */
    BerthClosure *closure;
    GPtrArray *digests; /* of char *: what was removed */
    uint64_t bytes;     /* total size of that */
    BerthPruned done;
    void *userdata;
} Prune;

static void prune_read_next(Prune *prune);

static void prune_report(void *object, const GError *error) {
    const Prune *prune = object;

    prune->done(error ? NULL : prune->digests, prune->bytes, error, prune->userdata);
}

static void prune_free(void *object) {
    Prune *prune = object;

    berth_closure_free(prune->closure);
    g_clear_pointer(&prune->unread, g_ptr_array_unref);
    g_ptr_array_unref(prune->digests);
    g_hash_table_unref(prune->seen);
    g_free(prune);
}

/* Marks the snapshots used by images, for every unpacked platform. Done after the blobs, since
 * their marks say which owners reach a manifest. */
static bool prune_mark_chains(BerthImages *images, GError **error) {
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

/* Pins are roots that exist only in memory: content that running operations need and that nothing
 * may refer to yet. */
static bool prune_mark_pins(BerthImages *images, GError **error) {
    g_autoptr(GPtrArray) pins = berth_contents_list_pins(images->contents);

    /* A pin is a digest or a chain ID; no string is both. */
    for (guint i = 0; i < pins->len; i++)
        if (!berth_reach_add_blob(images->database, pins->pdata[i], error) ||
            !berth_reach_add_chain(images->database, pins->pdata[i], error))
            return false;
    return true;
}

/* Marks images mounted on the host (Images.Mount). The mount itself keeps the image, so nothing has
 * to be undone when it disappears, in whatever way. */
static bool prune_mark_mounts(BerthImages *images, GError **error) {
    g_autoptr(GPtrArray) chains = berth_snapshot_store_list_mounted(error);

    for (guint i = 0; chains && i < chains->len; i++)
        if (!berth_reach_add_chain(images->database, chains->pdata[i], error))
            return false;
    return chains != NULL;
}

/* The order matters: expired leases are not roots, and chains are marked according to the marks of
 * blobs. */
bool berth_prune_mark(BerthImages *images, GError **error) {
    return berth_lease_store_expire(images->database, error) &&
           berth_reach_begin(images->database, error) && prune_mark_pins(images, error) &&
           berth_reach_spread_blobs(images->database, error) && prune_mark_chains(images, error) &&
           prune_mark_mounts(images, error) && berth_reach_spread_chains(images->database, error);
}

/* The files are only moved here, since deleting many of them takes long; a worker deletes them
 * afterwards. A dry run only counts, and changes nothing. */
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
        berth_size_add(&prune->bytes, blob->size);
        g_ptr_array_add(prune->digests, g_strdup(blob->digest));
        g_ptr_array_add(dead, blob->digest);
    }
    return prune->dry_run || (berth_contents_discard(images->contents, dead, error) &&
                              berth_reach_forget(images->database, error));
}

/* In the list, a snapshot comes before its parent, which can be removed only after it. */
static bool prune_sweep_snapshots(Prune *prune, GError **error) {
    BerthImages *images = prune->images;
    g_autoptr(GPtrArray) dead = berth_reach_list_chains(images->database, error);

    for (guint i = 0; dead && i < dead->len; i++) {
        const BerthUnreachedChain *unreached = dead->pdata[i];
        if (!prune->dry_run &&
            !berth_snapshot_store_remove(images->snapshots, unreached->chain_id, error))
            return false;
        berth_size_add(&prune->bytes, unreached->size);
        g_ptr_array_add(prune->digests, g_strdup(unreached->chain_id));
    }
    return dead != NULL;
}

/* Marks and sweeps in one iteration of the loop: no operation can add a reference in between.
 * Running operations have pinned what they need. */
static void prune_collect(Prune *prune) {
    BerthImages *images = prune->images;
    g_autoptr(GError) error = NULL;

    if (berth_prune_mark(images, &error) && prune_sweep_blobs(prune, &error) &&
        prune_sweep_snapshots(prune, &error) && !prune->dry_run)
        berth_contents_expire_ingests(images->contents, BERTH_INGEST_LIFE_USEC);
    if (!error && !prune->dry_run && prune->digests->len > 0)
        berth_log(LOG_INFO, BERTH_MESSAGE_CONTENT_PRUNED, NULL, NULL,
                  "Removed %u blobs and snapshots of %" G_GUINT64_FORMAT
                  " bytes that nothing needs",
                  prune->digests->len, prune->bytes);
    berth_operation_end(prune->operation, error);
}

/* Whether the error is in the documents themselves. A failure of the reader says nothing about what
 * the image needs, and must therefore end the collection. */
static bool is_documents_fault(const GError *error) {
    return error->code == BERTH_ERROR_INVALID_ARGUMENT || error->code == BERTH_ERROR_NOT_FOUND ||
           error->code == BERTH_ERROR_LIMIT_EXCEEDED || error->code == BERTH_ERROR_UNSUPPORTED;
}

/* An image with invalid documents keeps everything that is recorded for it. */
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

/* The kind is part of the key: the same content may be referred to as a manifest and as an index,
 * and is read as each of them. */
static bool prune_is_new(Prune *prune, const BerthDescriptor *document) {
    BerthContentStore *store = berth_contents_get_store(prune->images->contents);
    g_autofree char *key = g_strdup_printf(
        "%d %s", (int)berth_media_type_get_kind(document->media_type), document->digest);

    return berth_content_store_has(store, document->digest) &&
           g_hash_table_add(prune->seen, g_steal_pointer(&key));
}

/* This includes documents that got a name while others were being read. A document that cannot be
 * read is listed again, but counts as seen. */
static bool prune_list_unread(Prune *prune, GError **error) {
    g_autoptr(GPtrArray) unread = berth_image_store_list_unread(prune->images->database, error);

    if (!unread)
        return false;
    for (guint i = unread->len; i-- > 0;)
        if (!prune_is_new(prune, unread->pdata[i]))
            g_ptr_array_remove_index_fast(unread, i);
    g_clear_pointer(&prune->unread, g_ptr_array_unref);
    prune->unread = g_steal_pointer(&unread);
    return true;
}

/* After the last document, lists them again until no new one appears: reading takes several
 * iterations of the loop, in which names may be put. */
static void prune_read_next(Prune *prune) {
    g_autoptr(BerthDescriptor) document = NULL;
    g_autoptr(GError) error = NULL;

    if ((!prune->unread || prune->unread->len == 0) && !prune_list_unread(prune, &error)) {
        berth_operation_end(prune->operation, error);
        return;
    }
    if (prune->unread->len == 0) {
        prune_collect(prune);
        return;
    }
    document = g_ptr_array_steal_index_fast(prune->unread, prune->unread->len - 1);
    /* Everything that any name might reach is read, whichever user holds it. */
    const BerthClosureScope everything = {.everything = true};
    prune->closure = berth_closure_collect(prune->images, document, NULL, &everything,
                                           prune_on_collected, prune, &error);
    if (!prune->closure)
        berth_operation_end(prune->operation, error);
}

void berth_images_prune(BerthImages *images, const BerthPruneRequest *request, BerthPruned done,
                        void *userdata) {
    static const BerthOperationType type = {.tell = prune_report, .free = prune_free};
    Prune *prune = g_new0(Prune, 1);

    *prune =
        (Prune){.images = images, .dry_run = request->dry_run, .done = done, .userdata = userdata};
    prune->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    prune->digests = g_ptr_array_new_with_free_func(g_free);
    prune->operation = berth_operation_new(images->event, &type, prune);
    berth_operation_set_caller(prune->operation, userdata, NULL);
    prune_read_next(prune);
}
