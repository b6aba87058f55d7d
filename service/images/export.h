/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Exports images as a single tar that is both an OCI layout and a "docker save" archive, so that
 * every tool can read it. It is written as a stream to the caller's descriptor.
 */

#pragma once

#include "images/images.h"

typedef struct {
    char *const *names;
    int output;           /* still belongs to the caller */
    const char *platform; /* NULL: everything in an index that is stored */
    uint32_t owner;
} BerthExportRequest;

BerthTransfer *berth_export_start(BerthImages *images, const BerthExportRequest *request,
                                  GError **error);
