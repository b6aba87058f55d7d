/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checks the content store: every blob is hashed again. A damaged blob is moved to content/damaged/
 * and reported; on request, it is fetched again from its source.
 */

#pragma once

#include "images/images.h"

typedef struct {
    bool refetch;
    uint32_t owner;
} BerthVerifyRequest;

/* The transfer's result lists the damaged blobs that were not fetched again. */
BerthTransfer *berth_verify_start(BerthImages *images, const BerthVerifyRequest *request,
                                  GError **error);
