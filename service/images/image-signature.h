/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Determines whether an image is signed, according to the remote of its own name. */

#pragma once

#include "images/images.h"

/* Searches with the keys of the remote's policy. */
typedef struct {
    BerthRemoteRequest remote;
    const char *digest;
} BerthSignatureRequest;
/* key is the file of the key that made the signature. */
typedef void (*BerthSignatureVerified)(const char *key, const GError *error, void *userdata);
void berth_images_verify_signature(BerthImages *images, const BerthSignatureRequest *request,
                                   BerthSignatureVerified done, void *userdata);
