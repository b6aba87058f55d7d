/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Exporting: images as one tar that is an OCI layout and a "docker save" archive at once, so that
 * everything reads it. Written as a stream into a descriptor of the caller's.
 */

#pragma once

#include "images/images.h"

typedef struct {
    char *const *names;
    int output;           /* stays the caller's */
    const char *platform; /* NULL: all of an index that is here */
    uint32_t owner;
} BerthExportRequest;

BerthTransfer *berth_export_start(BerthImages *images, const BerthExportRequest *request,
                                  GError **error);
