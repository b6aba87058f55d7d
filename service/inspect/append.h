/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * New documents for an image with an additional layer: its configuration (config.md) and its
 * manifest (manifest.md). A Docker schema 2 manifest becomes an OCI one; everything that is not
 * about the layer is kept.
 */

#pragma once

#include "base/descriptor.h"

typedef struct {
    const char *diff_id;
    const char *created;          /* RFC 3339 */
    const char *author, *comment; /* "" if there is none */
} BerthAppendedLayer;

/* As JSON; NULL with error. */
char *berth_config_append(const char *data, size_t size, const BerthAppendedLayer *layer,
                          GError **error);
char *berth_manifest_append(const char *data, size_t size, const BerthDescriptor *config,
                            const BerthDescriptor *layer, GError **error);
