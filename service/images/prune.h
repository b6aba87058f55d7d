/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Collects garbage: deletes blobs and snapshots that no image, lease, container or running transfer
 * reaches. First the documents of all images are read, since names may have been put manually.
 * Marking and deleting then take place in a single iteration of the loop, so that no transfer can
 * start to rely on anything in between. Deleting is a rename; a worker frees the space.
 */

#pragma once

#include "images/images.h"

typedef struct {
    bool dry_run;
} BerthPruneRequest;

/* digests are those of blobs, and chain IDs of snapshots; bytes is their total size. */
typedef void (*BerthPruned)(GPtrArray *digests, uint64_t bytes, const GError *error,
                            void *userdata);
void berth_images_prune(BerthImages *images, const BerthPruneRequest *request, BerthPruned done,
                        void *userdata);

/* Marks everything that is reached, in the temporary tables of store/reach.h. */
bool berth_prune_mark(BerthImages *images, GError **error);
