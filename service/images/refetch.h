/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fetches content again from its known sources: damaged blobs, and layers that were dropped after
 * they had been unpacked. Each is fetched by a separate transfer. Only root's transfers use the
 * service's own credentials.
 */

#pragma once

#include "images/images.h"

/* missing contains char *: digests that could not be fetched; empty if all of them were. */
typedef void (*BerthRefetched)(GPtrArray *missing, const GError *error, void *userdata);

typedef struct BerthRefetch BerthRefetch;

typedef struct {
    GPtrArray *digests; /* const char * */
    uint32_t owner;     /* of the transfers, and of the sources */
    const char *name;   /* of the image, whose own repository is also a source; or NULL */
    bool of_all_users;  /* sources of other users are used, too, which the owner then sees */
} BerthRefetchRequest;

/* done is called once, in a later iteration of the loop. */
BerthRefetch *berth_images_refetch(BerthImages *images, const BerthRefetchRequest *request,
                                   BerthRefetched done, void *userdata);
/* Ensures that done is not called; fetching continues. */
void berth_refetch_forget(BerthRefetch *refetch);
