/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writes the documents of images that came without them: "docker save" archives have no manifests,
 * and a root file system does not have a configuration either. There is no state. The functions
 * return the text (OCI image specification, manifest.md and config.md), which the caller frees;
 * import-images.c stores it.
 */

#include "images/import-private.h"

#include "base/document-members.h"
#include "base/document.h"

static void add_descriptor(json_object *object, const char *media_type,
                           const BerthImportMember *member) {
    berth_document_add_descriptor(object, media_type, member->digest, member->size);
}

/* berth-unpack detects the compression of a layer, so the media type does not name one. */
char *berth_import_format_manifest(const BerthImportMember *config, GPtrArray *layers) {
    g_autoptr(json_object) root = json_object_new_object();

    berth_document_add_int(root, "schemaVersion", 2);
    berth_document_add_string(root, "mediaType", BERTH_MEDIA_OCI_MANIFEST);
    add_descriptor(berth_document_add_object(root, "config"), BERTH_MEDIA_OCI_CONFIG, config);
    json_object *list = berth_document_add_array(root, "layers");
    for (guint i = 0; i < layers->len; i++)
        add_descriptor(berth_document_append_object(list), BERTH_MEDIA_OCI_LAYER, layers->pdata[i]);
    return berth_document_print(root, false);
}

/* The configuration of an image with one layer: the platform, and the command if there is one. */
char *berth_import_format_config(const BerthPlatform *platform, char *const *command,
                                 const char *diff_id) {
    g_autoptr(json_object) root = json_object_new_object();
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

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (texts[i].value[0])
            berth_document_add_string(root, texts[i].member, texts[i].value);
    json_object *config = berth_document_add_object(root, "config");
    if (command && command[0])
        berth_document_add_strings(config, "Cmd", command);
    json_object *rootfs = berth_document_add_object(root, "rootfs");
    berth_document_add_string(rootfs, "type", "layers");
    berth_document_append_string(berth_document_add_array(rootfs, "diff_ids"), diff_id);
    return berth_document_print(root, false);
}
