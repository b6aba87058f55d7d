/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Everything in an image that is sent elsewhere (pushed or exported): its closure, after layers
 * that were dropped once they were unpacked have been fetched again.
 */

#pragma once

#include "images/closure.h"

typedef struct {
    const char *name; /* of the image */
    const BerthDescriptor *target;
    const BerthPlatform *platform; /* NULL: all */
    uint32_t owner;                /* for whom layers are fetched again */
    bool held_alone;               /* treats content as missing if owner does not hold it */
} BerthGatheringRequest;

typedef struct BerthGathering BerthGathering;

/* done is called once, in a later iteration of the loop; the gathering has been freed by then.
 * Blobs that are not stored are among the items, marked as missing. */
BerthGathering *berth_gathering_new(BerthImages *images, const BerthGatheringRequest *request,
                                    BerthClosureDone done, void *userdata, GError **error);
void berth_gathering_free(BerthGathering *gathering);
