/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The lists of images in an archive: index.json of an OCI layout (image-layout.md), manifest.json
 * of "docker save".
 */

#pragma once

#include "base/descriptor.h"
#include "base/platform.h"

typedef struct {
    BerthDescriptor *descriptor;
    BerthPlatform *platform; /* NULL: it has none */
    char *name;              /* from annotations; "" if there is none */
} BerthLayoutEntry;

typedef struct {
    char *config;          /* a member's name */
    char **tags, **layers; /* names; members' names, lowest first */
} BerthDockerEntry;

/* Return lists of BerthLayoutEntry and BerthDockerEntry. */
GPtrArray *berth_archive_index_read(const char *data, size_t size, GError **error);
GPtrArray *berth_docker_archive_read(const char *data, size_t size, GError **error);
