/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The walk through an image's documents, starting at its target: each is fetched, read from the
 * store by berth-inspect, and everything that it refers to is fetched in turn; of an index, only
 * the manifest for the platform, unless all are wanted. The manifest of the image to be unpacked is
 * passed on (found). The walk is done when nothing is pending: neither documents, nor blobs that
 * are only fetched. The pull owns it.
 */

#include "base/fd.h"
#include "images/pull-private.h"
#include "worker/calls.h"

#include <sys/stat.h>

/* Indexes may refer to indexes, each of which has to be fetched and read. */
enum { MAX_INDEXES = 16 };

/* A document that is being read. */
typedef struct {
    BerthPullDocuments *documents;
    char *digest;
} Reading;

typedef enum {
    DOCUMENTS_AT_TARGET, /* nothing but the target has been requested yet */
    DOCUMENTS_BELOW_IT,
} DocumentsState;

struct BerthPullDocuments {
    const BerthPullContext *context;
    DocumentsState state;
    BerthPullObjects *objects;
    BerthDescriptor *target;
    char *chosen;     /* digest of the document that leads to the image for the platform */
    unsigned pending; /* number of unfinished documents and blobs */
    unsigned indexes;
    GPtrArray *readings; /* of Reading */
    BerthPullFound found;
    BerthPullDone done;
    void *userdata;
};

static void pull_documents_fetch(BerthPullDocuments *documents, const BerthDescriptor *descriptor,
                                 BerthPullFetched fetched);

static void document_reading_free(gpointer data) {
    Reading *reading = data;

    g_free(reading->digest);
    g_free(reading);
}

BerthPullDocuments *berth_pull_documents_new(const BerthPullContext *context,
                                             BerthPullObjects *objects,
                                             const BerthDescriptor *target, BerthPullFound found,
                                             BerthPullDone done, void *userdata) {
    BerthPullDocuments *documents = g_new0(BerthPullDocuments, 1);

    documents->context = context;
    documents->objects = objects;
    documents->target = berth_descriptor_copy(target);
    documents->chosen = g_strdup(target->digest);
    documents->readings = g_ptr_array_new_with_free_func(document_reading_free);
    documents->found = found;
    documents->done = done;
    documents->userdata = userdata;
    return documents;
}

void berth_pull_documents_free(BerthPullDocuments *documents) {
    if (!documents)
        return;
    g_ptr_array_unref(documents->readings);
    berth_descriptor_free(documents->target);
    g_free(documents->chosen);
    g_free(documents);
}

const BerthDescriptor *berth_pull_documents_get_target(const BerthPullDocuments *documents) {
    return documents->target;
}

bool berth_pull_documents_are_at_target(const BerthPullDocuments *documents) {
    return documents->state == DOCUMENTS_AT_TARGET;
}

/* The error ends the pull, which also drops everything else that is pending. */
static void pull_documents_fail(BerthPullDocuments *documents, const char *digest,
                                const GError *error) {
    documents->done(digest, error, documents->userdata);
}

/* Must be the last statement of a caller: done may end the pull. */
static void pull_documents_done_one(BerthPullDocuments *documents) {
    if (--documents->pending == 0)
        documents->done(NULL, NULL, documents->userdata);
}

static bool pull_documents_is_chosen(const BerthPullDocuments *documents, const char *digest) {
    return g_str_equal(digest, documents->chosen);
}

static void pull_documents_on_blob(const BerthDescriptor *descriptor, const GError *error,
                                   void *userdata) {
    if (error)
        pull_documents_fail(userdata, descriptor->digest, error);
    else
        pull_documents_done_one(userdata);
}

/* Artifacts are kept and get their name, but there is nothing to unpack. */
static void pull_documents_take_manifest(BerthPullDocuments *documents, const char *digest,
                                         const BerthDocument *manifest) {
    BerthPullMode mode = documents->context->mode;
    bool is_image = berth_media_type_get_kind(manifest->config->media_type) == BERTH_KIND_CONFIG;
    bool is_chosen = pull_documents_is_chosen(documents, digest);
    g_autoptr(GError) error = NULL;

    if (!is_image && mode == BERTH_PULL_UNPACK && is_chosen) {
        berth_document_set_artifact_error(manifest, &error);
        pull_documents_fail(documents, NULL, error);
        return;
    }
    if (is_image && mode != BERTH_PULL_FETCH && is_chosen) {
        documents->found(digest, manifest, documents->userdata);
    } else {
        pull_documents_fetch(documents, manifest->config, pull_documents_on_blob);
        for (guint i = 0; i < manifest->layers->len; i++)
            pull_documents_fetch(documents, manifest->layers->pdata[i], pull_documents_on_blob);
    }
    pull_documents_done_one(documents);
}

static void pull_documents_on_document(const BerthDescriptor *descriptor, const GError *error,
                                       void *userdata);

/* In the index that leads to the image, an entry is chosen; if that is an index again, one of its
 * entries is chosen in turn. Other indexes are walked only if all platforms are wanted. */
static void pull_documents_take_index(BerthPullDocuments *documents, const char *digest,
                                      const BerthDocument *index) {
    const BerthPullContext *context = documents->context;
    const BerthDescriptor *chosen = NULL;
    g_autoptr(GError) error = NULL;

    if (++documents->indexes > MAX_INDEXES)
        berth_error_set(&error, BERTH_ERROR_LIMIT_EXCEEDED, "more than %d indexes", MAX_INDEXES);
    else if (pull_documents_is_chosen(documents, digest) &&
             !(context->all_platforms && context->mode == BERTH_PULL_FETCH))
        chosen = berth_document_choose(index, context->platform, &error);
    if (error) {
        pull_documents_fail(documents, NULL, error);
        return;
    }
    if (chosen) {
        g_free(documents->chosen);
        documents->chosen = g_strdup(chosen->digest);
    }
    for (guint i = 0; i < index->entries->len; i++) {
        const BerthIndexedManifest *entry = index->entries->pdata[i];
        if (context->all_platforms || entry->descriptor == chosen)
            pull_documents_fetch(documents, entry->descriptor, pull_documents_on_document);
    }
    pull_documents_done_one(documents);
}

/* A descriptor may contain its content (image-spec, descriptor.md, "data"), which then does not
 * have to be fetched. */
static void pull_documents_embed(BerthPullDocuments *documents, const BerthDocument *document) {
    GHashTableIter content;
    gpointer digest, data;

    g_hash_table_iter_init(&content, document->embedded);
    while (g_hash_table_iter_next(&content, &digest, &data))
        berth_pull_objects_embed(documents->objects, digest, data);
}

static void pull_documents_on_read(sd_bus_message *reply, const GError *error, void *userdata) {
    Reading *reading = userdata;
    BerthPullDocuments *documents = reading->documents;
    g_autofree char *digest = g_strdup(reading->digest);
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;
    g_autoptr(BerthDocument) document = local ? NULL : berth_document_read_reply(reply, &local);

    /* This frees the reading and its digest, so the copy is used from here on. */
    g_ptr_array_remove_fast(documents->readings, reading);
    if (!document ||
        !berth_images_record_children(documents->context->images, digest, document, &local)) {
        pull_documents_fail(documents, digest, local);
        return;
    }
    documents->state = DOCUMENTS_BELOW_IT;
    pull_documents_embed(documents, document);
    if (document->is_index)
        pull_documents_take_index(documents, digest, document);
    else
        pull_documents_take_manifest(documents, digest, document);
}

/* Corrects the target's size: content that was already stored has not been compared with the
 * announced size. */
static void pull_documents_correct_size(BerthPullDocuments *documents,
                                        const BerthDescriptor *descriptor, int blob) {
    struct stat status;

    if (g_str_equal(descriptor->digest, documents->target->digest) && fstat(blob, &status) == 0)
        documents->target->size = (uint64_t)status.st_size;
}

static void pull_documents_read(BerthPullDocuments *documents, const BerthDescriptor *descriptor) {
    const BerthPullContext *context = documents->context;
    g_autoptr(GError) error = NULL;
    berth_autofd int blob = berth_content_store_open_blob(
        berth_contents_get_store(context->images->contents), descriptor->digest, &error);

    if (blob < 0) {
        pull_documents_fail(documents, NULL, error);
        return;
    }
    pull_documents_correct_size(documents, descriptor, blob);
    Reading *reading = g_new0(Reading, 1);
    *reading = (Reading){documents, g_strdup(descriptor->digest)};
    g_ptr_array_add(documents->readings, reading);
    berth_call_inspect_manifest(context->inspect, blob, descriptor->media_type,
                                pull_documents_on_read, reading);
}

static void pull_documents_set_unsupported(const BerthDescriptor *descriptor, GError **error) {
    bool is_schema_1 =
        g_str_has_prefix(descriptor->media_type, "application/vnd.docker.distribution.manifest.v1");

    berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                    is_schema_1 ? "%.200s: this is a Docker schema 1 image, which is no longer "
                                  "supported: push it again with a current tool"
                                : "%.200s is neither a manifest nor an index",
                    descriptor->media_type);
}

static void pull_documents_on_document(const BerthDescriptor *descriptor, const GError *error,
                                       void *userdata) {
    BerthPullDocuments *documents = userdata;
    BerthKind kind = berth_media_type_get_kind(descriptor->media_type);
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (!local && (kind == BERTH_KIND_MANIFEST || kind == BERTH_KIND_INDEX)) {
        pull_documents_read(documents, descriptor);
        return;
    }
    /* A blob fetched by its digest, or an artifact in an index: it is kept as it is. */
    if (!local && (documents->context->mode == BERTH_PULL_FETCH ||
                   !pull_documents_is_chosen(documents, descriptor->digest))) {
        pull_documents_done_one(documents);
        return;
    }
    if (!local)
        pull_documents_set_unsupported(descriptor, &local);
    pull_documents_fail(documents, descriptor->digest, local);
}

/* Counted as pending first, since stored content is reported immediately, from within this call. */
static void pull_documents_fetch(BerthPullDocuments *documents, const BerthDescriptor *descriptor,
                                 BerthPullFetched fetched) {
    const BerthPullFetch fetch = {.descriptor = descriptor, .done = fetched, .userdata = documents};

    documents->pending++;
    berth_pull_objects_fetch(documents->objects, &fetch);
}

void berth_pull_documents_start(BerthPullDocuments *documents) {
    pull_documents_fetch(documents, documents->target, pull_documents_on_document);
}
