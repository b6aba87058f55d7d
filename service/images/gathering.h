/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Everything of an image that is sent elsewhere (pushed or exported): its closure, with the layers
 * that were dropped once they were unpacked fetched again.
 */

#pragma once

#include "images/closure.h"

typedef struct {
    const char *name; /* of the image */
    const BerthDescriptor *target;
    const BerthPlatform *platform; /* NULL for all */
    uint32_t owner;                /* for whom layers are fetched again */
    bool held_alone; /* what owner does not hold is missing, though the name reaches it */
} BerthGatheringRequest;

typedef struct BerthGathering BerthGathering;

/* done is called once, in a later turn of the loop; the gathering is gone then. Blobs that are not
 * here are among the items, marked as missing. */
BerthGathering *berth_gathering_new(BerthImages *images, const BerthGatheringRequest *request,
                                    BerthClosureDone done, void *userdata, GError **error);
void berth_gathering_free(BerthGathering *gathering);
