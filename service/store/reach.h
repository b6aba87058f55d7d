/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reachability, which decides what collection keeps. Blobs are reached from images and leases
 * through the documents that refer to them, snapshots from images and containers through their
 * parents. A document leads only to content held by the owner of the name or lease; for root, to
 * everything. Roots known only to the running service (transfers) are added by the caller. The
 * result is in temporary tables of the connection, valid until the next berth_reach_begin.
 */

#pragma once

#include "store/database.h"

/* Clears all marks. */
bool berth_reach_begin(BerthDatabase *database, GError **error);
/* Add a root that only the running service knows. */
bool berth_reach_add_blob(BerthDatabase *database, const char *digest, GError **error);
bool berth_reach_add_chain(BerthDatabase *database, const char *chain_id, GError **error);
/* Adds the names and leases in berth.db, and the blobs reached from any root. */
bool berth_reach_spread_blobs(BerthDatabase *database, GError **error);
/* Whether a manifest that is reached keeps the snapshots of its image as well; called after marking
 * blobs. */
bool berth_reach_keeps_chain(BerthDatabase *database, const char *manifest, const char *chain_id);
/* Adds the containers, and the snapshots reached from any root; the last step. */
bool berth_reach_spread_chains(BerthDatabase *database, GError **error);

/* Whether a blob is reached; true if the query fails, so that the blob is kept. */
bool berth_reach_has_blob(BerthDatabase *database, const char *digest);

/* Works without marks: returns the name of an image that keeps a blob, or NULL. The caller frees
 * it. */
char *berth_reach_find_image(BerthDatabase *database, const char *digest);
/* Whether a lease keeps it. Expired leases count until they are removed. */
bool berth_reach_has_lease(BerthDatabase *database, const char *digest);

typedef struct {
    char *chain_id;
    uint64_t size;
} BerthUnreachedChain;

/* Returns the snapshots that are not reached as BerthUnreachedChains; a snapshot comes before its
 * parent. */
GPtrArray *berth_reach_list_chains(BerthDatabase *database, GError **error);

/* Forgets everything about blobs that are not reached: sources, types, labels, children. */
bool berth_reach_forget(BerthDatabase *database, GError **error);

/* The names that a viewer may see: of all images, or of leases and containers of other users;
 * always those of the viewer's own objects. Anything else has BERTH_REACH_HIDDEN_NAME instead. */
#define BERTH_REACH_HIDDEN_NAME "of another user"
typedef struct {
    bool images, others;
    uint32_t owner;
} BerthReachViewer;

/* Describes what keeps a blob or a snapshot, in words ("image NAME", "lease ID", "container
 * ID"). */
GPtrArray *berth_reach_explain(BerthDatabase *database, const char *digest,
                               const BerthReachViewer *viewer, GError **error);

/* Returns the digests that an image's target refers to, including itself; the caller looks up their
 * sizes. */
GPtrArray *berth_reach_list_blobs_of(BerthDatabase *database, const char *digest, GError **error);
