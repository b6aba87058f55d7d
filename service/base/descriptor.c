/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A descriptor consists of three values that never change; copies are deep, and belong to the
 * caller. The table of media types determines the kind of an object, here and in the whole service.
 */

#include "base/descriptor.h"

const char *const berth_manifest_media_types[] = {
    BERTH_MEDIA_DOCKER_MANIFEST,
    BERTH_MEDIA_DOCKER_LIST,
    BERTH_MEDIA_OCI_MANIFEST,
    BERTH_MEDIA_OCI_INDEX,
    NULL,
};

static const struct {
    const char *media_type;
    BerthKind kind;
} kinds[] = {
    {BERTH_MEDIA_DOCKER_MANIFEST, BERTH_KIND_MANIFEST},
    {BERTH_MEDIA_OCI_MANIFEST, BERTH_KIND_MANIFEST},
    {BERTH_MEDIA_DOCKER_LIST, BERTH_KIND_INDEX},
    {BERTH_MEDIA_OCI_INDEX, BERTH_KIND_INDEX},
    {BERTH_MEDIA_OCI_CONFIG, BERTH_KIND_CONFIG},
    {BERTH_MEDIA_DOCKER_CONFIG, BERTH_KIND_CONFIG},
    {"application/vnd.docker.image.rootfs.diff.tar", BERTH_KIND_LAYER},
    {"application/vnd.docker.image.rootfs.diff.tar.gzip", BERTH_KIND_LAYER},
    {"application/vnd.docker.image.rootfs.diff.tar.zstd", BERTH_KIND_LAYER},
    {"application/vnd.docker.image.rootfs.foreign.diff.tar", BERTH_KIND_LAYER},
    {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", BERTH_KIND_LAYER},
    {"application/vnd.oci.image.layer.v1.tar", BERTH_KIND_LAYER},
    {"application/vnd.oci.image.layer.v1.tar+gzip", BERTH_KIND_LAYER},
    {"application/vnd.oci.image.layer.v1.tar+zstd", BERTH_KIND_LAYER},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar", BERTH_KIND_LAYER},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", BERTH_KIND_LAYER},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", BERTH_KIND_LAYER},
};

BerthDescriptor *berth_descriptor_new(const char *media_type, const char *digest, uint64_t size) {
    BerthDescriptor *descriptor = g_new0(BerthDescriptor, 1);

    descriptor->media_type = g_strdup(media_type);
    descriptor->digest = g_strdup(digest);
    descriptor->size = size;
    return descriptor;
}

BerthDescriptor *berth_descriptor_copy(const BerthDescriptor *descriptor) {
    return berth_descriptor_new(descriptor->media_type, descriptor->digest, descriptor->size);
}

void berth_descriptor_free(BerthDescriptor *descriptor) {
    if (!descriptor)
        return;
    g_free(descriptor->media_type);
    g_free(descriptor->digest);
    g_free(descriptor);
}

BerthKind berth_media_type_get_kind(const char *media_type) {
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_equal(kinds[i].media_type, media_type))
            return kinds[i].kind;
    return BERTH_KIND_OTHER;
}

bool berth_media_type_is_nondistributable(const char *media_type) {
    return g_str_has_prefix(media_type, "application/vnd.docker.image.rootfs.foreign.diff.tar") ||
           g_str_has_prefix(media_type, "application/vnd.oci.image.layer.nondistributable.v1.tar");
}

bool berth_media_type_is_generic(const char *media_type) {
    static const char *const generic[] = {BERTH_MEDIA_UNKNOWN, "application/json", "text/plain",
                                          "text/html", NULL};

    return g_strv_contains(generic, media_type);
}
