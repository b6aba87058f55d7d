/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The closure of an image: everything that it refers to, directly or indirectly, according to its
 * documents in the store. Pushing and exporting send it, and a collection must know it before it
 * deletes anything. It is recorded in berth.db.
 */

#pragma once

#include "images/images.h"

typedef struct {
    BerthDescriptor *descriptor;
    bool is_document;        /* manifest or index */
    bool missing;            /* not in the store, or does not belong to this image */
    BerthDocument *document; /* if it was read; otherwise NULL */
} BerthClosureItem;

/* Creates an item for a descriptor; it is neither missing nor read. */
BerthClosureItem *berth_closure_item_new(const BerthDescriptor *descriptor);
void berth_closure_item_free(BerthClosureItem *item);

typedef struct BerthClosure BerthClosure;

/* items are BerthClosureItems, each only once, in the order in which a remote accepts them: blobs,
 * then documents after those that they refer to, and the target last. Called once, in a later
 * iteration of the loop; the closure has been freed by then. */
typedef void (*BerthClosureDone)(GPtrArray *items, const GError *error, void *userdata);

/* The content to be considered present: that which an image's name reaches, that which a user holds
 * (store/provenance.h), or everything. */
typedef struct {
    const char *name;
    uint32_t owner;
    bool everything;
} BerthClosureScope;

/* Starts to collect everything that target refers to. If platform is given, only the manifest for
 * that platform is used of an index, and becomes the target. */
BerthClosure *berth_closure_collect(BerthImages *images, const BerthDescriptor *target,
                                    const BerthPlatform *platform, const BerthClosureScope *scope,
                                    BerthClosureDone done, void *userdata, GError **error);
void berth_closure_free(BerthClosure *closure);

/* Returns the item of a digest, or NULL. */
const BerthClosureItem *berth_closure_find(GPtrArray *items, const char *digest);

/* Returns the digests (const char *, owned by the items) of an image's missing blobs with a source
 * that this user may know of. */
GPtrArray *berth_closure_list_missing(BerthImages *images, const char *name, uint32_t owner,
                                      GPtrArray *items);

/* Returns false if an item is missing; the error names the first one. */
bool berth_closure_check(GPtrArray *items, const char *name, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthClosure, berth_closure_free)
