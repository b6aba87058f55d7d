/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Exports images as one tar that is an OCI layout and a "docker save" archive at once, so that
 * every tool can read it. It is written as a stream into the caller's descriptor.
 */

#pragma once

#include "images/images.h"

typedef struct {
    char *const *names;
    int output;           /* stays the caller's */
    const char *platform; /* NULL: everything of an index that is here */
    uint32_t owner;
} BerthExportRequest;

BerthTransfer *berth_export_start(BerthImages *images, const BerthExportRequest *request,
                                  GError **error);
