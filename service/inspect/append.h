/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* New documents for an image with one layer more: its configuration (config.md) and its manifest
 * (manifest.md). A Docker schema 2 manifest becomes an OCI one; all else that is not about the
 * layer stays as it is. */

#pragma once

#include "base/descriptor.h"

typedef struct {
    const char *diff_id;
    const char *created;          /* RFC 3339 */
    const char *author, *comment; /* "" for none */
} BerthAppendedLayer;

/* As JSON; NULL with error. */
char *berth_config_append(const char *data, size_t size, const BerthAppendedLayer *layer,
                          GError **error);
char *berth_manifest_append(const char *data, size_t size, const BerthDescriptor *config,
                            const BerthDescriptor *layer, GError **error);
