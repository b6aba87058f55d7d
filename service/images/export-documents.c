/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The two documents of an archive that list its contents: the index of an OCI image layout
 * (image-layout.md), and docker's manifest.json, which refers to the same members. There is no
 * state; texts belong to the caller. The one thing to know: an archive has both, so that each tool
 * finds the one that it reads, and no blob is in it twice.
 */

#include "images/export-documents.h"

#include "base/document-members.h"
#include "base/document.h"

#include <string.h>

/* The caller frees the text. */
static char *finish_text(JsonBuilder *builder) {
    g_autoptr(JsonNode) root = json_builder_get_root(builder);

    return json_to_string(root, FALSE);
}

/* The image's name is written both as podman writes it (ref.name contains all of it) and as
 * containerd does. */
char *berth_export_format_index(const GPtrArray *images) {
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "schemaVersion");
    json_builder_add_int_value(builder, 2);
    json_builder_set_member_name(builder, "mediaType");
    json_builder_add_string_value(builder, BERTH_MEDIA_OCI_INDEX);
    json_builder_set_member_name(builder, "manifests");
    json_builder_begin_array(builder);
    for (guint i = 0; i < images->len; i++) {
        const BerthExportedImage *image = images->pdata[i];
        json_builder_begin_object(builder);
        berth_document_add_descriptor(builder, image->target->media_type, image->target->digest,
                                      image->target->size);
        json_builder_set_member_name(builder, "annotations");
        json_builder_begin_object(builder);
        json_builder_set_member_name(builder, "io.containerd.image.name");
        json_builder_add_string_value(builder, image->name);
        json_builder_set_member_name(builder, "org.opencontainers.image.ref.name");
        json_builder_add_string_value(builder, image->name);
        json_builder_end_object(builder);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return finish_text(builder);
}

/* Returns the manifest for manifest.json, which cannot describe an index; for an index, the
 * manifest for the platform. */
const BerthDocument *berth_export_find_manifest(const BerthExportedImage *image,
                                                const BerthPlatform *machine) {
    const BerthClosureItem *item = berth_closure_find(image->items, image->target->digest);

    /* An index may list indexes. The depth is limited, since the documents come from a registry. */
    for (int depth = 0; depth < 4 && item && item->document && item->document->is_index; depth++) {
        const BerthDescriptor *chosen = berth_document_choose(item->document, machine, NULL);
        item = chosen ? berth_closure_find(image->items, chosen->digest) : NULL;
    }
    return item ? item->document : NULL;
}

/* Converts "sha256:HEX" to "blobs/sha256/HEX" (OCI image layout, image-layout.md, "Blobs").
 * manifest.json refers to the same members, so that each object is in the archive once. */
char *berth_export_make_path(const char *digest) {
    g_autofree char *name = g_strdelimit(g_strdup(digest), ":", '/');

    return g_strconcat("blobs/", name, NULL);
}

static void add_path(JsonBuilder *builder, const char *digest) {
    g_autofree char *path = berth_export_make_path(digest);

    json_builder_add_string_value(builder, path);
}

/* Writes manifest.json, for docker load and other tools that do not read a layout's index.
 * Artifacts, and images whose manifest is not stored, are left out. */
char *berth_export_format_docker(const GPtrArray *images, const BerthPlatform *machine) {
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_array(builder);
    for (guint i = 0; i < images->len; i++) {
        const BerthExportedImage *image = images->pdata[i];
        const BerthDocument *manifest = berth_export_find_manifest(image, machine);
        if (!manifest || !manifest->config ||
            berth_media_type_get_kind(manifest->config->media_type) != BERTH_KIND_CONFIG)
            continue;
        json_builder_begin_object(builder);
        json_builder_set_member_name(builder, "Config");
        add_path(builder, manifest->config->digest);
        json_builder_set_member_name(builder, "RepoTags");
        json_builder_begin_array(builder);
        /* RepoTags may only contain names with tags. */
        if (!strchr(image->name, '@'))
            json_builder_add_string_value(builder, image->name);
        json_builder_end_array(builder);
        json_builder_set_member_name(builder, "Layers");
        json_builder_begin_array(builder);
        for (guint k = 0; k < manifest->layers->len; k++)
            add_path(builder, ((BerthDescriptor *)manifest->layers->pdata[k])->digest);
        json_builder_end_array(builder);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    return finish_text(builder);
}
