/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Applies layers to a directory of the caller, one after the other, such that it looks like the
 * file system of an image. A caller other than root must own the directory, and the workers have no
 * more rights to it than the caller.
 */

#pragma once

#include "images/images.h"

typedef struct {
    char *const *digests;
    int directory; /* still belongs to the caller */
    uint32_t owner;
} BerthApplyRequest;

/* Returns the directory's path, for polkit's decision; it is marked if the directory is in a mount
 * namespace of the caller. */
char *berth_apply_describe_directory(int directory);

BerthTransfer *berth_apply_start(BerthImages *images, const BerthApplyRequest *request,
                                 GError **error);
