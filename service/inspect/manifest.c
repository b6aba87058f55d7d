/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A manifest or index is read once and belongs to the caller. Attacks have disguised one as the
 * other: the document's own mediaType must match the descriptor's, and a document with the members
 * of both is refused.
 */

#include "base/digest.h"
#include "base/document.h"
#include "base/limits.h"
#include "base/names.h"
#include "inspect/descriptor.h"
#include "inspect/inspect.h"

#include <string.h>

/* Manifests in an index: far more than images have. */
enum { MAX_ENTRIES = 1000 };

static void free_index_entry(gpointer data) {
    BerthIndexEntry *entry = data;

    berth_descriptor_free(entry->descriptor);
    berth_platform_free(entry->platform);
    g_free(entry);
}

static void free_embedded(gpointer data) {
    BerthEmbeddedContent *embedded = data;

    g_free(embedded->digest);
    g_free(embedded->data);
    g_free(embedded);
}

static void free_descriptor(gpointer data) {
    berth_descriptor_free(data);
}

void berth_manifest_free(BerthManifest *manifest) {
    if (!manifest)
        return;
    g_clear_pointer(&manifest->entries, g_ptr_array_unref);
    g_clear_pointer(&manifest->layers, g_ptr_array_unref);
    g_clear_pointer(&manifest->titles, g_ptr_array_unref);
    g_clear_pointer(&manifest->embedded, g_ptr_array_unref);
    berth_descriptor_free(manifest->config);
    g_free(manifest);
}

static bool has_digest(const uint8_t *data, size_t size, const char *digest) {
    static const GChecksumType types[] = {
        [BERTH_ALGORITHM_SHA256] = G_CHECKSUM_SHA256,
        [BERTH_ALGORITHM_SHA384] = G_CHECKSUM_SHA384,
        [BERTH_ALGORITHM_SHA512] = G_CHECKSUM_SHA512,
    };
    BerthAlgorithm algorithm;

    if (!berth_digest_parse(digest, &algorithm, NULL))
        return false;
    g_autofree char *hex = g_compute_checksum_for_data(types[algorithm], data, size);
    return g_str_equal(hex, berth_digest_get_hex(digest));
}

/* Content embedded in the descriptor (image-spec, descriptor.md, "data"). If it is not what the
 * descriptor refers to, it is ignored: the content is then fetched, as by tools that do not know
 * the member. berthd stores it through berth-ingest as well. */
static bool manifest_read_embedded(json_object *object, const BerthDescriptor *descriptor,
                                   GPtrArray *embedded, GError **error) {
    const char *text;
    size_t length;

    if (!berth_document_get_string(object, "data", &text, error))
        return false;
    if (!text)
        return true;
    g_autofree uint8_t *data = g_base64_decode(text, &length);
    if (length != descriptor->size || !has_digest(data, length, descriptor->digest))
        return true;
    BerthEmbeddedContent *found = g_new(BerthEmbeddedContent, 1);
    *found = (BerthEmbeddedContent){g_strdup(descriptor->digest), g_steal_pointer(&data), length};
    g_ptr_array_add(embedded, found);
    return true;
}

/* If its place in the document tells what content is, implied_type replaces a media type that is
 * missing or generic; otherwise it is NULL. Some registries stored configurations as
 * application/octet-stream or text/html, and other tools run such images. */
static BerthDescriptor *read_descriptor(json_object *object, const char *implied_type,
                                        GPtrArray *embedded, GError **error) {
    g_autoptr(BerthDescriptor) descriptor = berth_descriptor_read_json(object, implied_type, error);

    if (descriptor && !json_object_object_get_ex(object, "size", NULL)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        "a descriptor lacks its mediaType, digest or size");
        return NULL;
    }
    if (!descriptor || !manifest_read_embedded(object, descriptor, embedded, error))
        return NULL;
    if (implied_type && berth_media_type_is_generic(descriptor->media_type)) {
        g_free(descriptor->media_type);
        descriptor->media_type = g_strdup(implied_type);
    }
    return g_steal_pointer(&descriptor);
}

/* The array owns the object. NULL with error. */
static json_object *element_object(json_object *array, guint i, const char *what, GError **error) {
    json_object *element = json_object_array_get_idx(array, i);

    if (json_object_is_type(element, json_type_object))
        return element;
    berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "an element of \"%s\" is not an object",
                    what);
    return NULL;
}

/* BuildKit stores attestations as manifests in the index; they are not images that can be run. */
static bool read_attestation(json_object *object, bool *attestation, GError **error) {
    json_object *annotations;
    const char *type = NULL;

    if (!berth_document_get_object(object, "annotations", &annotations, error))
        return false;
    if (annotations &&
        !berth_document_get_string(annotations, "vnd.docker.reference.type", &type, error))
        return false;
    *attestation = type && g_str_equal(type, "attestation-manifest");
    return true;
}

/* NULL with error. What was read before an error is freed. An entry with a platform is a manifest
 * unless its media type says otherwise, which is what tools assume that go by the platform alone.
 */
static BerthIndexEntry *read_index_entry(json_object *array, guint i, GPtrArray *embedded,
                                         GError **error) {
    json_object *object = element_object(array, i, "manifests", error);
    BerthIndexEntry *entry = g_new0(BerthIndexEntry, 1);

    if (object && berth_descriptor_read_platform(object, &entry->platform, error))
        entry->descriptor = read_descriptor(
            object, entry->platform ? BERTH_MEDIA_OCI_MANIFEST : NULL, embedded, error);
    if (entry->descriptor && read_attestation(object, &entry->attestation, error))
        return entry;
    free_index_entry(entry);
    return NULL;
}

/* Entries that are newer than this code, or malformed, are no reason to refuse the others. */
static bool manifest_read_entries(json_object *array, BerthManifest *manifest, GError **error) {
    guint count = json_object_array_length(array);
    g_autoptr(GError) first = NULL;

    if (count > MAX_ENTRIES)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                               "the index has %u manifests; at most %d are read", count,
                               MAX_ENTRIES);
    for (guint i = 0; i < count; i++) {
        g_autoptr(GError) local = NULL;
        BerthIndexEntry *entry = read_index_entry(array, i, manifest->embedded, &local);
        if (entry)
            g_ptr_array_add(manifest->entries, entry);
        else if (!first)
            first = g_steal_pointer(&local);
    }
    if (manifest->entries->len == 0 && first)
        return berth_error_set(error, (BerthErrorCode)first->code,
                               "the index has no manifest that can be read: %s", first->message);
    return true;
}

/* org.opencontainers.image.title, which artifacts use for the name of a file; it is left out if it
 * cannot be one (image-spec, annotations.md). */
static char *read_title(json_object *layer) {
    json_object *annotations = NULL;
    const char *title = NULL;

    if (!berth_document_get_object(layer, "annotations", &annotations, NULL) || !annotations ||
        !berth_document_get_string(annotations, "org.opencontainers.image.title", &title, NULL))
        title = NULL;
    return g_strdup(title && berth_name_is_file(title) ? title : "");
}

/* Unlike an index, a manifest without one of its layers is useless: the first error ends it. The
 * layers of an image are tar archives whose first bytes tell the compression; those of an artifact
 * can be anything. */
static bool read_layers(json_object *array, BerthManifest *manifest, GError **error) {
    guint count = json_object_array_length(array);
    bool is_image = berth_media_type_get_kind(manifest->config->media_type) == BERTH_KIND_CONFIG;
    const char *implied_type = is_image ? BERTH_MEDIA_OCI_LAYER : NULL;

    if (count > BERTH_MAX_LAYERS)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                               "the manifest has %u layers; at most %d are supported", count,
                               BERTH_MAX_LAYERS);
    for (guint i = 0; i < count; i++) {
        json_object *object = element_object(array, i, "layers", error);
        BerthDescriptor *layer =
            object ? read_descriptor(object, implied_type, manifest->embedded, error) : NULL;
        if (!layer)
            return false;
        g_ptr_array_add(manifest->layers, layer);
        g_ptr_array_add(manifest->titles, read_title(object));
    }
    return true;
}

/* A document that can be read as two kinds is an attack (CVE-2021-41190). */
static bool check_manifest_kind(json_object *object, const char *media_type, bool has_entries,
                                bool has_layers, GError **error) {
    const char *text;

    if (!berth_document_get_string(object, "mediaType", &text, error))
        return false;
    g_autofree char *own = text && text[0] ? g_ascii_strdown(text, -1) : NULL;
    if (own && berth_media_type_get_kind(own) != berth_media_type_get_kind(media_type))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the document has the media type %.200s, but is referred to as "
                               "%.200s",
                               own, media_type);
    if (has_entries && has_layers)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the document has both \"manifests\" and \"layers\"");
    return true;
}

/* Manifests of artifacts are in OCI's format; Docker's is for images. */
static bool read_manifest(json_object *object, const char *media_type, BerthManifest *manifest,
                          json_object *layers, GError **error) {
    bool is_docker = g_str_equal(media_type, BERTH_MEDIA_DOCKER_MANIFEST);
    json_object *config;
    uint64_t version;

    if (!berth_document_get_size(object, "schemaVersion", &version, error) ||
        !berth_document_get_object(object, "config", &config, error))
        return false;
    if (version == 1)
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "this is a Docker schema 1 manifest, which is no longer supported: "
                               "push the image again with a current tool");
    if (!config)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the manifest has no \"config\"");
    /* Go's encoder writes an empty list as null. */
    if (!layers && !json_object_object_get_ex(object, "layers", NULL))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the manifest has no \"layers\"");
    manifest->config = read_descriptor(config, is_docker ? BERTH_MEDIA_DOCKER_CONFIG : NULL,
                                       manifest->embedded, error);
    return manifest->config && (!layers || read_layers(layers, manifest, error));
}

/* The kind is that of media_type, which the caller knows from the descriptor or the registry; the
 * document must agree with it. */
BerthManifest *berth_manifest_read(const char *data, size_t size, const char *media_type,
                                   GError **error) {
    g_autoptr(BerthManifest) manifest = g_new0(BerthManifest, 1);
    g_autoptr(json_object) root = berth_document_parse(data, size, error);
    json_object *entries, *layers;

    if (!root)
        return NULL;
    manifest->kind = berth_media_type_get_kind(media_type);
    manifest->entries = g_ptr_array_new_with_free_func(free_index_entry);
    manifest->layers = g_ptr_array_new_with_free_func(free_descriptor);
    manifest->titles = g_ptr_array_new_with_free_func(g_free);
    manifest->embedded = g_ptr_array_new_with_free_func(free_embedded);
    if (!berth_document_get_array(root, "manifests", &entries, error) ||
        !berth_document_get_array(root, "layers", &layers, error) ||
        !check_manifest_kind(root, media_type, entries, layers, error))
        return NULL;
    if (manifest->kind == BERTH_KIND_INDEX) {
        if (!entries) {
            berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "the index has no \"manifests\"");
            return NULL;
        }
        if (!manifest_read_entries(entries, manifest, error))
            return NULL;
    } else if (manifest->kind != BERTH_KIND_MANIFEST) {
        berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%.200s is neither a manifest nor an index",
                        media_type);
        return NULL;
    } else if (!read_manifest(root, media_type, manifest, layers, error)) {
        return NULL;
    }
    return g_steal_pointer(&manifest);
}
