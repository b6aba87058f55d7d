/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Collects the closure of an image. Its documents are read breadth first, one at a time, by a
 * single berth-inspect, and each adds the objects that it refers to. The operation owns the object,
 * which reports the items at its end.
 */

#include "images/closure.h"

#include "base/fd.h"
#include "store/provenance.h"
#include "worker/calls.h"

/* Documents come from outside: an image with more objects than this is refused. */
enum { MAX_ITEMS = 20000 };

struct BerthClosure {
    BerthOperation *operation;
    BerthImages *images;
    BerthWorker *inspect;
    char *name; /* the scope: that of an image name, or NULL: what owner holds */
    uint32_t owner;
    bool everything;
    BerthPlatform *platform; /* until the index in which to choose has been read; NULL otherwise */
    GHashTable *seen;        /* set of digests */
    GPtrArray *blobs;        /* of BerthClosureItem */
    GPtrArray *documents;    /* the same, in the order in which they are read: parents first */
    guint next;              /* the document to be read next */
    BerthClosureDone done;
    void *userdata;
};

static void closure_read_next(BerthClosure *closure);

BerthClosureItem *berth_closure_item_new(const BerthDescriptor *descriptor) {
    BerthKind kind = berth_media_type_get_kind(descriptor->media_type);
    BerthClosureItem *item = g_new0(BerthClosureItem, 1);

    item->descriptor = berth_descriptor_copy(descriptor);
    item->is_document = kind == BERTH_KIND_MANIFEST || kind == BERTH_KIND_INDEX;
    return item;
}

void berth_closure_item_free(BerthClosureItem *item) {
    if (!item)
        return;
    berth_descriptor_free(item->descriptor);
    berth_document_free(item->document);
    g_free(item);
}

static void closure_free(void *object) {
    BerthClosure *closure = object;

    berth_worker_free(closure->inspect);
    berth_platform_free(closure->platform);
    g_hash_table_unref(closure->seen);
    g_ptr_array_unref(closure->blobs);
    g_ptr_array_unref(closure->documents);
    g_free(closure->name);
    g_free(closure);
}

/* Cancels the collection; done is not called. */
void berth_closure_free(BerthClosure *closure) {
    if (closure)
        berth_operation_abandon(closure->operation);
}

/* Appends the documents of a kind in the order in which a remote accepts them. Manifests refer to
 * no other documents. Indexes are read after their parents, so in reverse order, children come
 * first. */
static void append_documents(BerthClosure *closure, GPtrArray *items, BerthKind kind) {
    for (guint i = closure->documents->len; i-- > 0;) {
        const BerthClosureItem *item = closure->documents->pdata[i];
        if (berth_media_type_get_kind(item->descriptor->media_type) == kind)
            g_ptr_array_add(items, g_ptr_array_steal_index(closure->documents, i));
    }
}

/* The order of the items is part of the interface: blobs, manifests, indexes, and the target last
 * (closure.h). */
static void closure_report(void *object, const GError *error) {
    BerthClosure *closure = object;
    g_autoptr(GPtrArray) items = g_ptr_array_ref(closure->blobs);

    append_documents(closure, items, BERTH_KIND_MANIFEST);
    append_documents(closure, items, BERTH_KIND_INDEX);
    closure->done(error ? NULL : items, error, closure->userdata);
}

/* Content that is in the store but outside the scope counts as missing, so that its presence is not
 * disclosed. */
static bool is_here(BerthClosure *closure, const char *digest) {
    BerthDatabase *database = closure->images->database;

    return berth_content_store_has(berth_contents_get_store(closure->images->contents), digest) &&
           (closure->everything ||
            (closure->name ? berth_provenance_reaches(database, closure->name, digest)
                           : berth_provenance_holds(database, closure->owner, digest)));
}

/* Each digest is added once, with the descriptor that refers to it first: the platforms of an image
 * may share layers, and an index may list a manifest twice. */
static bool closure_add(BerthClosure *closure, const BerthDescriptor *descriptor, GError **error) {
    if (!g_hash_table_add(closure->seen, g_strdup(descriptor->digest)))
        return true;
    if (g_hash_table_size(closure->seen) > MAX_ITEMS)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                               "the image reaches more than %d objects", MAX_ITEMS);
    BerthClosureItem *item = berth_closure_item_new(descriptor);
    item->missing = !is_here(closure, descriptor->digest);
    g_ptr_array_add(item->is_document ? closure->documents : closure->blobs, item);
    return true;
}

/* In the order of the document: the configuration and the layers, or the entries of an index. */
static bool add_children(BerthClosure *closure, const BerthDocument *document, GError **error) {
    if (document->config && !closure_add(closure, document->config, error))
        return false;
    for (guint i = 0; i < document->layers->len; i++)
        if (!closure_add(closure, document->layers->pdata[i], error))
            return false;
    for (guint i = 0; i < document->entries->len; i++)
        if (!closure_add(closure, ((BerthIndexedManifest *)document->entries->pdata[i])->descriptor,
                         error))
            return false;
    return true;
}

/* Replaces the index by its entry for the platform; the index itself is then not among the
 * items. */
static bool closure_choose_manifest(BerthClosure *closure, const BerthDocument *index,
                                    GError **error) {
    const BerthDescriptor *chosen = berth_document_choose(index, closure->platform, error);

    if (!chosen)
        return false;
    g_ptr_array_set_size(closure->documents, 0);
    closure->next = 0;
    return closure_add(closure, chosen, error);
}

/* The references of the document are recorded as well, so that a collection does not have to read
 * it again (images/prune.c). */
static void closure_on_document(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthClosure *closure = userdata;
    BerthClosureItem *item = closure->documents->pdata[closure->next];
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;
    g_autoptr(BerthDocument) document = local ? NULL : berth_document_read_reply(reply, &local);
    bool chooses = document && document->is_index && closure->platform;

    if (document &&
        berth_images_record_children(closure->images, item->descriptor->digest, document, &local)) {
        closure->next++;
        if (chooses) {
            closure_choose_manifest(closure, document, &local);
        } else {
            add_children(closure, document, &local);
            item->document = g_steal_pointer(&document);
        }
    }
    if (local) {
        berth_operation_end(closure->operation, local);
        return;
    }
    closure_read_next(closure);
}

/* Ends the operation when there are no more documents to read. */
static void closure_read_next(BerthClosure *closure) {
    BerthContentStore *store = berth_contents_get_store(closure->images->contents);
    g_autoptr(GError) error = NULL;

    while (closure->next < closure->documents->len) {
        const BerthClosureItem *item = closure->documents->pdata[closure->next];
        /* A document that is not stored remains among the items as missing, with nothing below
         * it. */
        if (item->missing) {
            closure->next++;
            continue;
        }
        berth_autofd int blob =
            berth_content_store_open_blob(store, item->descriptor->digest, &error);
        if (blob < 0) {
            berth_operation_end(closure->operation, error);
            return;
        }
        berth_call_inspect_manifest(closure->inspect, blob, item->descriptor->media_type,
                                    closure_on_document, closure);
        return;
    }
    berth_operation_end(closure->operation, NULL);
}

BerthClosure *berth_closure_collect(BerthImages *images, const BerthDescriptor *target,
                                    const BerthPlatform *platform, const BerthClosureScope *scope,
                                    BerthClosureDone done, void *userdata, GError **error) {
    static const BerthOperationType type = {.tell = closure_report, .free = closure_free};
    g_autoptr(BerthClosure) closure = g_new0(BerthClosure, 1);

    closure->operation = berth_operation_new(images->event, &type, closure);
    closure->images = images;
    closure->name = g_strdup(scope->name);
    closure->owner = scope->owner;
    closure->everything = scope->everything;
    closure->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    closure->blobs = g_ptr_array_new_with_free_func((GDestroyNotify)berth_closure_item_free);
    closure->documents = g_ptr_array_new_with_free_func((GDestroyNotify)berth_closure_item_free);
    closure->done = done;
    closure->userdata = userdata;
    if (platform)
        closure->platform =
            berth_platform_new(platform->os, platform->architecture, platform->variant);
    closure->inspect = berth_worker_new(images->event, "inspect", -1, error);
    if (!closure->inspect || !closure_add(closure, target, error))
        return NULL;
    closure_read_next(closure);
    return g_steal_pointer(&closure);
}

const BerthClosureItem *berth_closure_find(GPtrArray *items, const char *digest) {
    for (guint i = 0; i < items->len; i++) {
        const BerthClosureItem *item = items->pdata[i];
        if (g_str_equal(item->descriptor->digest, digest))
            return item;
    }
    return NULL;
}

bool berth_closure_check(GPtrArray *items, const char *name, GError **error) {
    for (guint i = 0; i < items->len; i++) {
        const BerthClosureItem *item = items->pdata[i];
        if (item->missing)
            return berth_error_set(error, BERTH_ERROR_NOT_FOUND, "%s: %s (%s) is not here", name,
                                   item->descriptor->digest, item->descriptor->media_type);
    }
    return true;
}

/* Returns the digests of missing blobs that the image's name reaches and that have a known source,
 * so that they can be fetched again. The digests belong to the items. */
GPtrArray *berth_closure_list_missing(BerthImages *images, const char *name, uint32_t owner,
                                      GPtrArray *items) {
    BerthContentStore *store = berth_contents_get_store(images->contents);
    GPtrArray *missing = g_ptr_array_new();

    for (guint i = 0; i < items->len; i++) {
        const BerthClosureItem *item = items->pdata[i];
        if (!item->missing || item->is_document ||
            !berth_provenance_reaches(images->database, name, item->descriptor->digest))
            continue;
        g_auto(GStrv) sources =
            berth_content_store_get_sources(store, item->descriptor->digest, owner, name);
        if (sources[0])
            g_ptr_array_add(missing, item->descriptor->digest);
    }
    return missing;
}
