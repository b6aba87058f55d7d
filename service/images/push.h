/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pushes the parts of an image that the remote lacks: blobs first, several at a time, then its
 * documents, each after those that it refers to, and the name last. The bytes are sent as they are
 * stored.
 */

#pragma once

#include "images/images.h"

typedef struct {
    const char *name;       /* of an image here; NULL to push one object alone */
    const char *digest;     /* of that object */
    const char *media_type; /* of that object */
    BerthRemoteRequest remote;
    const char *platform; /* NULL: all of an index */
    uint32_t owner;
    bool held_alone; /* of an image only what owner holds: nothing else was allowed to be read */
} BerthPushRequest;

/* Starts it; NULL with error if that fails at once. The transfer reports the rest. */
BerthTransfer *berth_push_start(BerthImages *images, const BerthPushRequest *request,
                                GError **error);
