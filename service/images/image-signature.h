/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether an image is signed, at the remote of its own name. */

#pragma once

#include "images/images.h"

/* Searches with the keys of the policy for the remote. */
typedef struct {
    BerthRemoteRequest remote;
    const char *digest;
} BerthSignatureRequest;
/* key: the file of the key that has signed it. */
typedef void (*BerthSignatureVerified)(const char *key, const GError *error, void *userdata);
void berth_images_verify_signature(BerthImages *images, const BerthSignatureRequest *request,
                                   BerthSignatureVerified done, void *userdata);
