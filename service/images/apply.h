/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Layers onto a directory of the caller's, one after another, as they would show in an image. For
 * others than root that is a directory of their own, and workers write as they could. */

#pragma once

#include "images/images.h"

typedef struct {
    char *const *digests;
    int directory; /* stays the caller's */
    uint32_t owner;
} BerthApplyRequest;

/* The directory's path for who decides; marked where it is of a mount namespace of the caller's. */
char *berth_apply_describe_directory(int directory);

BerthTransfer *berth_apply_start(BerthImages *images, const BerthApplyRequest *request,
                                 GError **error);
