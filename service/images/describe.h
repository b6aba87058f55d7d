/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an image consists of: its platforms, and the layers of each, as far as they are here. */

#pragma once

#include "images/closure.h"

typedef struct {
    char *platform; /* "linux/amd64"; "" where it is not said */
    BerthDescriptor *manifest;
    uint64_t bytes;    /* of the manifest and all it refers to */
    bool complete;     /* all of it is here */
    bool unpacked;     /* ready to run */
    GPtrArray *layers; /* of BerthDescriptor, lowest first; empty where it is not here */
} BerthDescribedPlatform;

/* platforms: of BerthDescribedPlatform. */
typedef void (*BerthDescribed)(GPtrArray *platforms, const GError *error, void *userdata);
void berth_images_describe(BerthImages *images, const BerthImage *image, BerthDescribed done,
                           void *userdata);
