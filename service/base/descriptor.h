/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A content descriptor: the media type of a blob, its digest and its size in bytes (OCI image
 * specification, descriptor.md); "(sst)" on the bus. Also the media types that Berth knows, and the
 * meaning of each.
 */

#pragma once

#include "base/error.h"

#include <stdint.h>

#define BERTH_MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define BERTH_MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define BERTH_MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define BERTH_MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define BERTH_MEDIA_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define BERTH_MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define BERTH_MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define BERTH_MEDIA_UNKNOWN "application/octet-stream"

typedef enum {
    BERTH_KIND_OTHER,
    BERTH_KIND_MANIFEST,
    BERTH_KIND_INDEX,
    BERTH_KIND_CONFIG,
    BERTH_KIND_LAYER,
} BerthKind;

typedef struct {
    char *media_type;
    char *digest;
    uint64_t size;
} BerthDescriptor;

/* Copies the strings, and checks nothing. */
BerthDescriptor *berth_descriptor_new(const char *media_type, const char *digest, uint64_t size);
BerthDescriptor *berth_descriptor_copy(const BerthDescriptor *descriptor);
void berth_descriptor_free(BerthDescriptor *descriptor);

/* Returns the kind that a media type stands for. Knows those of Docker schema 2 and OCI, without
 * parameters. */
BerthKind berth_media_type_get_kind(const char *media_type);

/* Whether the type is of a layer that registries need not have, because its vendor forbids to
 * distribute it (image-spec, layer.md, "Non-Distributable Layers"). */
bool berth_media_type_is_nondistributable(const char *media_type);

/* Whether the type only says that there are bytes or text. Registries and tools that keep objects
 * as plain files state such types. */
bool berth_media_type_is_generic(const char *media_type);

/* The four manifest types in order of preference, NULL-terminated. */
extern const char *const berth_manifest_media_types[];

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthDescriptor, berth_descriptor_free)
