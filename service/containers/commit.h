/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A container's changes as a layer in the content store, and, if a name is given, as an image:
 * that of the container with this layer on top. The container must not run meanwhile.
 */

#pragma once

#include "containers/core/container.h"

typedef struct {
    const char *name; /* NULL: only the layer */
    const char *author, *comment;
    uint32_t owner;
} BerthCommitRequest;

/* The transfer's target is the layer, or the new manifest. */
BerthTransfer *berth_commit_start(BerthContainer *container, const BerthCommitRequest *request,
                                  GError **error);
