/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Applies layers onto a directory of the caller, one after the other, as they would show in an
 * image. A caller other than root must own the directory, and the workers have no more rights to it
 * than the caller has. */

#pragma once

#include "images/images.h"

typedef struct {
    char *const *digests;
    int directory; /* stays the caller's */
    uint32_t owner;
} BerthApplyRequest;

/* The directory's path, for the decision of polkit; marked if it is in a mount namespace of the
 * caller. */
char *berth_apply_describe_directory(int directory);

BerthTransfer *berth_apply_start(BerthImages *images, const BerthApplyRequest *request,
                                 GError **error);
