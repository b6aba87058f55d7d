/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Describes an image: its platforms, and the layers of each as far as they are here. */

#pragma once

#include "images/closure.h"

typedef struct {
    char *platform; /* "linux/amd64"; "" if it is not known */
    BerthDescriptor *manifest;
    uint64_t bytes;    /* of the manifest and everything that it refers to */
    bool complete;     /* everything of it is here */
    bool unpacked;     /* ready to run */
    GPtrArray *layers; /* of BerthDescriptor, lowest first; empty if the manifest is not here */
} BerthDescribedPlatform;

/* platforms: of BerthDescribedPlatform. */
typedef void (*BerthImageDescribed)(GPtrArray *platforms, const GError *error, void *userdata);
void berth_images_describe(BerthImages *images, const BerthImage *image, BerthImageDescribed done,
                           void *userdata);
