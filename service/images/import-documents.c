/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writes the documents of images that came without them: "docker save" archives have no manifests,
 * and a root file system does not have a configuration either. There is no state. The functions
 * return the text (OCI image specification, manifest.md and config.md), which the caller frees;
 * import-images.c stores it.
 */

#include "images/import-private.h"

#include "base/document-members.h"

/* Adds a descriptor as an object. */
static void add_member(JsonBuilder *builder, const char *media_type,
                       const BerthImportMember *member) {
    json_builder_begin_object(builder);
    berth_document_add_descriptor(builder, media_type, member->digest, member->size);
    json_builder_end_object(builder);
}

/* berth-unpack detects the compression of a layer, so the media type does not name one. */
char *berth_import_format_manifest(const BerthImportMember *config, GPtrArray *layers) {
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "schemaVersion");
    json_builder_add_int_value(builder, 2);
    json_builder_set_member_name(builder, "mediaType");
    json_builder_add_string_value(builder, BERTH_MEDIA_OCI_MANIFEST);
    json_builder_set_member_name(builder, "config");
    add_member(builder, BERTH_MEDIA_OCI_CONFIG, config);
    json_builder_set_member_name(builder, "layers");
    json_builder_begin_array(builder);
    for (guint i = 0; i < layers->len; i++)
        add_member(builder, BERTH_MEDIA_OCI_LAYER, layers->pdata[i]);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    return json_to_string(root, FALSE);
}

/* The configuration of an image with one layer: the platform, and the command if there is one. */
char *berth_import_format_config(const BerthPlatform *platform, char *const *command,
                                 const char *diff_id) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *created = g_date_time_format_iso8601(now);
    const struct {
        const char *member, *value;
    } texts[] = {
        {"created", created},
        {"architecture", platform->architecture},
        {"os", platform->os},
        {"variant", platform->variant},
    };

    json_builder_begin_object(builder);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (texts[i].value[0]) {
            json_builder_set_member_name(builder, texts[i].member);
            json_builder_add_string_value(builder, texts[i].value);
        }
    json_builder_set_member_name(builder, "config");
    json_builder_begin_object(builder);
    if (command && command[0]) {
        json_builder_set_member_name(builder, "Cmd");
        json_builder_begin_array(builder);
        for (char *const *word = command; *word; word++)
            json_builder_add_string_value(builder, *word);
        json_builder_end_array(builder);
    }
    json_builder_end_object(builder);
    json_builder_set_member_name(builder, "rootfs");
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "type");
    json_builder_add_string_value(builder, "layers");
    json_builder_set_member_name(builder, "diff_ids");
    json_builder_begin_array(builder);
    json_builder_add_string_value(builder, diff_id);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    return json_to_string(root, FALSE);
}
