/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Describes an image: its platforms, and for each of them the layers and whether they are
 * present.
 */

#pragma once

#include "images/closure.h"

typedef struct {
    char *platform; /* "linux/amd64"; "": unknown */
    BerthDescriptor *manifest;
    uint64_t bytes;    /* total size of the manifest and everything it refers to */
    bool complete;     /* all of it is in the store */
    bool unpacked;     /* ready to run */
    GPtrArray *layers; /* of BerthDescriptor, lowest first; empty if the manifest is not stored */
} BerthDescribedPlatform;

/* platforms are BerthDescribedPlatforms. */
typedef void (*BerthImageDescribed)(GPtrArray *platforms, const GError *error, void *userdata);
void berth_images_describe(BerthImages *images, const BerthImage *image, BerthImageDescribed done,
                           void *userdata);
