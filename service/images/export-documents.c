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

/* The image's name is written both as podman writes it (ref.name contains all of it) and as
 * containerd does. */
char *berth_export_format_index(const GPtrArray *images) {
    g_autoptr(json_object) root = json_object_new_object();

    berth_document_add_int(root, "schemaVersion", 2);
    berth_document_add_string(root, "mediaType", BERTH_MEDIA_OCI_INDEX);
    json_object *manifests = berth_document_add_array(root, "manifests");
    for (guint i = 0; i < images->len; i++) {
        const BerthExportedImage *image = images->pdata[i];
        json_object *entry = berth_document_append_object(manifests);
        berth_document_add_descriptor(entry, image->target->media_type, image->target->digest,
                                      image->target->size);
        json_object *annotations = berth_document_add_object(entry, "annotations");
        berth_document_add_string(annotations, "io.containerd.image.name", image->name);
        berth_document_add_string(annotations, "org.opencontainers.image.ref.name", image->name);
    }
    return berth_document_print(root, false);
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

static void append_docker_entry(json_object *list, const char *name,
                                const BerthDocument *manifest) {
    json_object *entry = berth_document_append_object(list);
    g_autofree char *config = berth_export_make_path(manifest->config->digest);

    berth_document_add_string(entry, "Config", config);
    json_object *tags = berth_document_add_array(entry, "RepoTags");
    /* RepoTags may only contain names with tags. */
    if (!strchr(name, '@'))
        berth_document_append_string(tags, name);
    json_object *layers = berth_document_add_array(entry, "Layers");
    for (guint i = 0; i < manifest->layers->len; i++) {
        const BerthDescriptor *layer = manifest->layers->pdata[i];
        g_autofree char *path = berth_export_make_path(layer->digest);
        berth_document_append_string(layers, path);
    }
}

/* Writes manifest.json, for docker load and other tools that do not read a layout's index.
 * Artifacts, and images whose manifest is not stored, are left out. */
char *berth_export_format_docker(const GPtrArray *images, const BerthPlatform *machine) {
    g_autoptr(json_object) list = json_object_new_array();

    for (guint i = 0; i < images->len; i++) {
        const BerthExportedImage *image = images->pdata[i];
        const BerthDocument *manifest = berth_export_find_manifest(image, machine);
        if (manifest && manifest->config &&
            berth_media_type_get_kind(manifest->config->media_type) == BERTH_KIND_CONFIG)
            append_docker_entry(list, image->name, manifest);
    }
    return berth_document_print(list, false);
}
