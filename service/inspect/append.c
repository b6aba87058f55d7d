/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Both documents are parsed with json-glib, the objects that change are copied, and the result is
 * written as text; there is no state. Members that Berth does not know survive, so an image keeps
 * what other tools have put into it. The caller hashes and stores the text.
 */

#include "inspect/append.h"

#include "base/document.h"

/* A deep copy; from may be NULL, which yields an empty array. */
static JsonArray *copy_json_array(JsonArray *from) {
    JsonArray *copy = json_array_new();

    for (guint i = 0; from && i < json_array_get_length(from); i++)
        json_array_add_element(copy, json_node_copy(json_array_get_element(from, i)));
    return copy;
}

static bool append_diff_id(JsonObject *config, JsonObject *original, const char *diff_id,
                           GError **error) {
    JsonObject *rootfs;
    JsonArray *diff_ids;

    if (!berth_document_get_object(original, "rootfs", &rootfs, error) ||
        (rootfs && !berth_document_get_array(rootfs, "diff_ids", &diff_ids, error)))
        return false;
    if (!rootfs)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the image configuration has no \"rootfs\"");
    JsonObject *fresh = berth_document_copy(rootfs);
    JsonArray *all = copy_json_array(diff_ids);
    json_array_add_string_element(all, diff_id);
    json_object_set_array_member(fresh, "diff_ids", all);
    json_object_set_object_member(config, "rootfs", fresh);
    return true;
}

static bool append_history(JsonObject *config, JsonObject *original,
                           const BerthAppendedLayer *layer, GError **error) {
    JsonArray *history;

    if (!berth_document_get_array(original, "history", &history, error))
        return false;
    JsonArray *all = copy_json_array(history);
    JsonObject *entry = json_object_new();
    json_object_set_string_member(entry, "created", layer->created);
    json_object_set_string_member(entry, "created_by", "dist commit");
    if (layer->author[0])
        json_object_set_string_member(entry, "author", layer->author);
    if (layer->comment[0])
        json_object_set_string_member(entry, "comment", layer->comment);
    json_array_add_object_element(all, entry);
    json_object_set_array_member(config, "history", all);
    return true;
}

/* "created" and, if given, "author" of the image become those of the new layer. */
char *berth_config_append(const char *data, size_t size, const BerthAppendedLayer *layer,
                          GError **error) {
    g_autoptr(JsonNode) root = berth_document_parse(data, size, error);

    if (!root)
        return NULL;
    JsonObject *original = json_node_get_object(root);
    g_autoptr(JsonObject) config = berth_document_copy(original);
    if (!append_diff_id(config, original, layer->diff_id, error) ||
        !append_history(config, original, layer, error))
        return NULL;
    json_object_set_string_member(config, "created", layer->created);
    if (layer->author[0])
        json_object_set_string_member(config, "author", layer->author);
    return berth_document_print(config, false);
}

/* The members that descriptor.md requires, and no others. */
static JsonObject *make_descriptor(const BerthDescriptor *descriptor) {
    JsonObject *object = json_object_new();

    json_object_set_string_member(object, "mediaType", descriptor->media_type);
    json_object_set_string_member(object, "digest", descriptor->digest);
    json_object_set_int_member(object, "size", (gint64)descriptor->size);
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
static bool copy_layers(JsonArray *from, JsonArray *to, GError **error) {
    const char *media_type;

    for (guint i = 0; from && i < json_array_get_length(from); i++) {
        JsonNode *node = json_array_get_element(from, i);
        if (!JSON_NODE_HOLDS_OBJECT(node))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "an element of \"layers\" is not an object");
        if (!berth_document_get_string(json_node_get_object(node), "mediaType", &media_type, error))
            return false;
        JsonObject *copy = berth_document_copy(json_node_get_object(node));
        if (media_type)
            json_object_set_string_member(copy, "mediaType", find_oci_type(media_type));
        json_array_add_object_element(to, copy);
    }
    return true;
}

/* The result is an OCI manifest, whatever the original was. The caller frees it. */
char *berth_manifest_append(const char *data, size_t size, const BerthDescriptor *config,
                            const BerthDescriptor *layer, GError **error) {
    g_autoptr(JsonNode) root = berth_document_parse(data, size, error);
    JsonArray *layers;

    if (!root || !berth_document_get_array(json_node_get_object(root), "layers", &layers, error))
        return NULL;
    g_autoptr(JsonArray) all = json_array_new();
    if (!copy_layers(layers, all, error))
        return NULL;
    g_autoptr(JsonObject) manifest = berth_document_copy(json_node_get_object(root));
    json_array_add_object_element(all, make_descriptor(layer));
    json_object_set_string_member(manifest, "mediaType", BERTH_MEDIA_OCI_MANIFEST);
    json_object_set_array_member(manifest, "layers", g_steal_pointer(&all));
    json_object_set_object_member(manifest, "config", make_descriptor(config));
    return berth_document_print(manifest, false);
}
