/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Stores a container's changes as a layer in the content store and, if a name is given, makes an
 * image of them: that of the container with this layer on top. The container must be stopped or
 * paused meanwhile; a running one can be paused for the purpose.
 */

#pragma once

#include "containers/core/container.h"

typedef struct {
    const char *name; /* NULL for just the layer */
    const char *author, *comment;
    int pause; /* a running container, until its changes have been read */
    uint32_t owner;
} BerthCommitRequest;

/* The target of the transfer is the layer or the new manifest. */
BerthTransfer *berth_commit_start(BerthContainer *container, const BerthCommitRequest *request,
                                  GError **error);
