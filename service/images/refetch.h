/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fetches content again from its known sources: damaged blobs, and layers that were dropped once
 * they were unpacked. Each is a transfer of its own. Only those of root use the service's own
 * credentials. */

#pragma once

#include "images/images.h"

/* missing: of char *, digests that could not be fetched; empty if all of them were. */
typedef void (*BerthRefetched)(GPtrArray *missing, const GError *error, void *userdata);

typedef struct BerthRefetch BerthRefetch;

/* digests: of const char *. done is called once, in a later turn of the loop. */
BerthRefetch *berth_images_refetch(BerthImages *images, GPtrArray *digests, uint32_t owner,
                                   BerthRefetched done, void *userdata);
/* done will not be called; the fetching continues. */
void berth_refetch_forget(BerthRefetch *refetch);
