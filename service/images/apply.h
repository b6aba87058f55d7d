/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Layers onto a directory of the caller's, one after another, as they would show in an image. */

#pragma once

#include "images/images.h"

typedef struct {
    char *const *digests;
    int directory; /* stays the caller's */
    uint32_t owner;
} BerthApplyRequest;

BerthTransfer *berth_apply_start(BerthImages *images, const BerthApplyRequest *request,
                                 GError **error);
