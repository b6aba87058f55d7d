/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pushes the parts of an image that the remote lacks: blobs first, several at a time, then its
 * documents, each after those that it refers to, and the name last. Content is sent exactly as it
 * is stored.
 */

#pragma once

#include "images/images.h"

typedef struct {
    const char *name;       /* of a stored image; NULL: pushes a single object */
    const char *digest;     /* of that object */
    const char *media_type; /* of that object */
    BerthRemoteRequest remote;
    const char *platform; /* NULL: everything in an index */
    uint32_t owner;
    bool held_alone; /* only parts that owner holds: no right to read others was granted */
} BerthPushRequest;

/* Starts the push. Returns NULL with error set if that fails immediately; the transfer reports
 * everything else. */
BerthTransfer *berth_push_start(BerthImages *images, const BerthPushRequest *request,
                                GError **error);
