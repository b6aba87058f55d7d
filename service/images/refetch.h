/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fetching contents again from where they came: what was damaged, and layers that were dropped once
 * they were unpacked. Each is a transfer of its own; credentials are the service's. */

#pragma once

#include "images/images.h"

/* missing: of char *, digests that could not be had; empty when all is here. */
typedef void (*BerthRefetched)(GPtrArray *missing, const GError *error, void *userdata);

typedef struct BerthRefetch BerthRefetch;

/* digests: of const char *. Done is called from the loop, once; the operation is gone afterwards.
 */
BerthRefetch *berth_images_refetch(BerthImages *images, GPtrArray *digests, uint32_t owner,
                                   BerthRefetched done, void *userdata);
/* Nobody is told any more; what is under way goes on. */
void berth_refetch_forget(BerthRefetch *refetch);
