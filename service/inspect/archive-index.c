/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads the lists of images in an archive. The caller owns the lists; their strings are copies,
 * since the document is freed before they are used. Names of members are not checked here: berthd
 * looks each of them up among those that the archive actually has.
 */

#include "inspect/archive-index.h"

#include "base/document.h"
#include "base/limits.h"
#include "inspect/descriptor.h"

#include <string.h>

enum { MAX_IMAGES = 1000 };

static void free_layout_entry(gpointer data) {
    BerthLayoutEntry *entry = data;

    berth_descriptor_free(entry->descriptor);
    berth_platform_free(entry->platform);
    g_free(entry->name);
    g_free(entry);
}

static void free_docker_entry(gpointer data) {
    BerthDockerEntry *entry = data;

    g_free(entry->config);
    g_strfreev(entry->tags);
    g_strfreev(entry->layers);
    g_free(entry);
}

/* containerd and docker store the full name in addition to the tag that the specification asks for.
 */
static bool read_name(json_object *object, char **name, GError **error) {
    const char *whole = NULL, *ref = NULL;
    json_object *annotations;

    if (!berth_document_get_object(object, "annotations", &annotations, error) ||
        (annotations &&
         (!berth_document_get_string(annotations, "io.containerd.image.name", &whole, error) ||
          !berth_document_get_string(annotations, "org.opencontainers.image.ref.name", &ref,
                                     error))))
        return false;
    *name = g_strdup(whole ? whole : ref ? ref : "");
    return true;
}

/* NULL with error. A descriptor without a media type is assumed to be a manifest's. */
static BerthLayoutEntry *read_layout_entry(json_object *object, GError **error) {
    BerthLayoutEntry *entry = g_new0(BerthLayoutEntry, 1);

    entry->descriptor = berth_descriptor_read_json(object, BERTH_MEDIA_OCI_MANIFEST, error);
    if (entry->descriptor && berth_descriptor_read_platform(object, &entry->platform, error) &&
        read_name(object, &entry->name, error))
        return entry;
    free_layout_entry(entry);
    return NULL;
}

/* index.json of an OCI layout (image-layout.md). As in other indexes, an entry that cannot be read
 * is no reason to refuse the others. */
GPtrArray *berth_archive_index_read(const char *data, size_t size, GError **error) {
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(free_layout_entry);
    g_autoptr(json_object) root = berth_document_parse(data, size, error);
    g_autoptr(GError) first = NULL;
    json_object *array;

    if (!root || !berth_document_get_array(root, "manifests", &array, error))
        return NULL;
    for (guint i = 0; array && i < json_object_array_length(array); i++) {
        json_object *object = json_object_array_get_idx(array, i);
        if (!object)
            continue;
        if (!json_object_is_type(object, json_type_object) || i >= MAX_IMAGES) {
            berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                            "index.json: an entry is no object, or there are more than %d",
                            MAX_IMAGES);
            return NULL;
        }
        g_autoptr(GError) local = NULL;
        BerthLayoutEntry *entry = read_layout_entry(object, &local);
        if (entry)
            g_ptr_array_add(entries, entry);
        else if (!first)
            first = g_steal_pointer(&local);
    }
    if (entries->len == 0 && first) {
        berth_error_set(error, (BerthErrorCode)first->code,
                        "the index has no manifest that can be read: %s", first->message);
        return NULL;
    }
    return g_steal_pointer(&entries);
}

/* The document is an array, but berth_document_parse only takes objects. It skips a byte order
 * mark, which may only come first. */
static json_object *parse_array(const char *data, size_t size, GError **error) {
    g_autoptr(GString) wrapped = g_string_new("{\"a\":");
    size_t mark = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    g_string_append_len(wrapped, data + mark, (gssize)(size - mark));
    g_string_append_c(wrapped, '}');
    return berth_document_parse(wrapped->str, wrapped->len, error);
}

/* manifest.json as written by docker save, an array of images. */
GPtrArray *berth_docker_archive_read(const char *data, size_t size, GError **error) {
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(free_docker_entry);
    g_autoptr(json_object) root = parse_array(data, size, error);
    const char *config;
    json_object *array;

    if (!root)
        return NULL;
    if (!berth_document_get_array(root, "a", &array, NULL)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        "manifest.json is not a list of images");
        return NULL;
    }
    for (guint i = 0; array && i < json_object_array_length(array); i++) {
        json_object *object = json_object_array_get_idx(array, i);
        if (!json_object_is_type(object, json_type_object) || i >= MAX_IMAGES) {
            berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                            "manifest.json: an entry is no object, or there are more than %d",
                            MAX_IMAGES);
            return NULL;
        }
        BerthDockerEntry *entry = g_new0(BerthDockerEntry, 1);
        g_ptr_array_add(entries, entry);
        if (!berth_document_get_string(object, "Config", &config, error) ||
            !berth_document_get_strings(object, "RepoTags", &entry->tags, error) ||
            !berth_document_get_strings(object, "Layers", &entry->layers, error))
            return NULL;
        entry->config = g_strdup(config ? config : "");
        if (!config || g_strv_length(entry->layers) > BERTH_MAX_LAYERS) {
            berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                            "manifest.json: an image has no configuration, or too many layers");
            return NULL;
        }
    }
    return g_steal_pointer(&entries);
}
