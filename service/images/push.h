/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pushing: what the remote lacks of an image, blobs first and several at a time, then its documents
 * from the inside out, and the name last. What is sent are the stored bytes.
 */

#pragma once

#include "images/images.h"

typedef struct {
    const char *name;       /* of an image here; NULL for the object below alone */
    const char *digest;     /* of content here */
    const char *media_type; /* of that */
    BerthRemoteRequest remote;
    const char *platform; /* NULL: all of an index */
    uint32_t owner;
} BerthPushRequest;

/* Starts it; NULL with error where that fails at once. The transfer tells the rest. */
BerthTransfer *berth_push_start(BerthImages *images, const BerthPushRequest *request,
                                GError **error);
