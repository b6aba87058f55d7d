/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reachability, which decides what collection keeps: blobs are reached from images and leases
 * through the documents that refer to them, snapshots from images and containers through their
 * parents. A document leads on only to what the owner of the name or lease holds; for root, to
 * everything. Roots that only the running service knows (transfers) are added by the caller. The
 * result is in temporary tables of the connection, valid until the next berth_reach_begin.
 */

#pragma once

#include "store/database.h"

bool berth_reach_begin(BerthDatabase *database, GError **error);
bool berth_reach_add_blob(BerthDatabase *database, const char *digest, GError **error);
bool berth_reach_add_chain(BerthDatabase *database, const char *chain_id, GError **error);
/* Adds the names and leases in berth.db, and the blobs that follow from any of them. */
bool berth_reach_spread_blobs(BerthDatabase *database, GError **error);
/* Whether what reaches a manifest keeps the snapshots of its image, too; after the blobs. */
bool berth_reach_keeps_chain(BerthDatabase *database, const char *manifest, const char *chain_id);
/* Adds the containers, and the snapshots that follow from any root; last. */
bool berth_reach_spread_chains(BerthDatabase *database, GError **error);

bool berth_reach_has_blob(BerthDatabase *database, const char *digest);

/* Without marks: the name of an image that keeps a blob, or NULL; the caller frees it. */
char *berth_reach_find_image(BerthDatabase *database, const char *digest);
/* Whether a lease keeps it. Those that have expired count until they are removed. */
bool berth_reach_has_lease(BerthDatabase *database, const char *digest);

typedef struct {
    char *chain_id;
    uint64_t size;
} BerthUnreachedChain;

/* Snapshots that are not reached, those on others first: of BerthUnreachedChain. */
GPtrArray *berth_reach_list_chains(BerthDatabase *database, GError **error);

/* Forgets what is known of blobs that are not reached: sources, types, labels, children. */
bool berth_reach_forget(BerthDatabase *database, GError **error);

/* Which names a viewer may see: of all images, of leases and containers of others, and always of
 * the owner's own. Anything else is shown as "of another user". */
typedef struct {
    bool images, others;
    uint32_t owner;
} BerthReachViewer;

/* What keeps a blob or a snapshot, in words ("image NAME", "lease ID", "container ID"). */
GPtrArray *berth_reach_explain(BerthDatabase *database, const char *digest,
                               const BerthReachViewer *viewer, GError **error);

/* The digests that an image's target reaches, itself included; sizes are left to the caller. */
GPtrArray *berth_reach_list_blobs_of(BerthDatabase *database, const char *digest, GError **error);
