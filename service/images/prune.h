/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Collection: what no image, lease, container or running transfer reaches is deleted, blobs and
 * snapshots alike. First the documents of all images are read, since names may have been put by
 * hand; then marking and deleting are one step of the loop, so that no transfer can begin to rely
 * on something between the two. Deleting is a rename; a worker does what takes time.
 */

#pragma once

#include "images/images.h"

typedef struct {
    bool dry_run;
} BerthPruneRequest;

/* digests: of blobs and chain IDs of snapshots; bytes: what they take. */
typedef void (*BerthPruned)(GPtrArray *digests, uint64_t bytes, const GError *error,
                            void *userdata);
void berth_images_prune(BerthImages *images, const BerthPruneRequest *request, BerthPruned done,
                        void *userdata);

/* Marks what is reached, in the temporary tables of store/reach.h. */
bool berth_prune_mark(BerthImages *images, GError **error);
