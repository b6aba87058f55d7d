/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Both documents are parsed, the objects that change are copied, and the result is written as text;
 * there is no state. Members that Berth does not know survive, so an image keeps what other tools
 * have put into it. The caller hashes and stores the text.
 */

#include "inspect/append.h"

#include "base/document-members.h"
#include "base/document.h"

/* The elements are shared with the original; from may be NULL, which yields an empty array. */
static json_object *copy_json_array(json_object *from) {
    json_object *copy = json_object_new_array();

    for (guint i = 0; from && i < json_object_array_length(from); i++)
        json_object_array_add(copy, json_object_get(json_object_array_get_idx(from, i)));
    return copy;
}

static bool append_diff_id(json_object *config, json_object *original, const char *diff_id,
                           GError **error) {
    json_object *rootfs, *diff_ids;

    if (!berth_document_get_object(original, "rootfs", &rootfs, error) ||
        (rootfs && !berth_document_get_array(rootfs, "diff_ids", &diff_ids, error)))
        return false;
    if (!rootfs)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the image configuration has no \"rootfs\"");
    json_object *fresh = berth_document_copy(rootfs);
    json_object *all = copy_json_array(diff_ids);
    berth_document_append_string(all, diff_id);
    json_object_object_add(fresh, "diff_ids", all);
    json_object_object_add(config, "rootfs", fresh);
    return true;
}

static bool append_history(json_object *config, json_object *original,
                           const BerthAppendedLayer *layer, GError **error) {
    json_object *history;

    if (!berth_document_get_array(original, "history", &history, error))
        return false;
    json_object *all = copy_json_array(history);
    json_object *entry = json_object_new_object();
    berth_document_add_string(entry, "created", layer->created);
    berth_document_add_string(entry, "created_by", "dist commit");
    if (layer->author[0])
        berth_document_add_string(entry, "author", layer->author);
    if (layer->comment[0])
        berth_document_add_string(entry, "comment", layer->comment);
    json_object_array_add(all, entry);
    json_object_object_add(config, "history", all);
    return true;
}

/* "created" and, if given, "author" of the image become those of the new layer. */
char *berth_config_append(const char *data, size_t size, const BerthAppendedLayer *layer,
                          GError **error) {
    g_autoptr(json_object) original = berth_document_parse(data, size, error);

    if (!original)
        return NULL;
    g_autoptr(json_object) config = berth_document_copy(original);
    if (!append_diff_id(config, original, layer->diff_id, error) ||
        !append_history(config, original, layer, error))
        return NULL;
    berth_document_add_string(config, "created", layer->created);
    if (layer->author[0])
        berth_document_add_string(config, "author", layer->author);
    return berth_document_print(config, false);
}

/* The members that descriptor.md requires, and no others. */
static json_object *make_descriptor(const BerthDescriptor *descriptor) {
    json_object *object = json_object_new_object();

    berth_document_add_descriptor(object, descriptor->media_type, descriptor->digest,
                                  descriptor->size);
    return object;
}

/* The image specification's name for a layer type of Docker's (media-types.md, "compatibility"). */
static const char *find_oci_type(const char *media_type) {
    static const char *const types[][2] = {
        {"application/vnd.docker.image.rootfs.diff.tar", BERTH_MEDIA_OCI_LAYER},
        {"application/vnd.docker.image.rootfs.diff.tar.gzip", BERTH_MEDIA_OCI_LAYER "+gzip"},
        {"application/vnd.docker.image.rootfs.diff.tar.zstd", BERTH_MEDIA_OCI_LAYER "+zstd"},
        {"application/vnd.docker.image.rootfs.foreign.diff.tar",
         "application/vnd.oci.image.layer.nondistributable.v1.tar"},
        {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
         "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"},
    };

    for (size_t i = 0; media_type && i < G_N_ELEMENTS(types); i++)
        if (g_str_equal(types[i][0], media_type))
            return types[i][1];
    return media_type;
}

/* The media types change together with the manifest's: an OCI manifest has no layers of Docker's
 * types. */
static bool copy_layers(json_object *from, json_object *to, GError **error) {
    const char *media_type;

    for (guint i = 0; from && i < json_object_array_length(from); i++) {
        json_object *layer = json_object_array_get_idx(from, i);
        if (!json_object_is_type(layer, json_type_object))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "an element of \"layers\" is not an object");
        if (!berth_document_get_string(layer, "mediaType", &media_type, error))
            return false;
        json_object *copy = berth_document_copy(layer);
        if (media_type)
            berth_document_add_string(copy, "mediaType", find_oci_type(media_type));
        json_object_array_add(to, copy);
    }
    return true;
}

/* The result is an OCI manifest, whatever the original was. The caller frees it. */
char *berth_manifest_append(const char *data, size_t size, const BerthDescriptor *config,
                            const BerthDescriptor *layer, GError **error) {
    g_autoptr(json_object) root = berth_document_parse(data, size, error);
    json_object *layers;

    if (!root || !berth_document_get_array(root, "layers", &layers, error))
        return NULL;
    g_autoptr(json_object) all = json_object_new_array();
    if (!copy_layers(layers, all, error))
        return NULL;
    g_autoptr(json_object) manifest = berth_document_copy(root);
    json_object_array_add(all, make_descriptor(layer));
    berth_document_add_string(manifest, "mediaType", BERTH_MEDIA_OCI_MANIFEST);
    json_object_object_add(manifest, "layers", g_steal_pointer(&all));
    json_object_object_add(manifest, "config", make_descriptor(config));
    return berth_document_print(manifest, false);
}
