/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The closure of an image: everything that it reaches, read from its documents in the store.
 * Pushing and exporting send it, and collection must know it before it deletes. It is recorded in
 * berth.db.
 */

#pragma once

#include "images/images.h"

typedef struct {
    BerthDescriptor *descriptor;
    bool is_document;        /* a manifest or an index */
    bool missing;            /* its content is not here, or does not belong to this image */
    BerthDocument *document; /* if it was read; NULL otherwise */
} BerthClosureItem;

/* Of a descriptor; not missing, and not read. */
BerthClosureItem *berth_closure_item_new(const BerthDescriptor *descriptor);
void berth_closure_item_free(BerthClosureItem *item);

typedef struct BerthClosure BerthClosure;

/* items: of BerthClosureItem, each once, in the order in which a remote can take them: blobs, then
 * documents after those that they refer to, the target last. Called once, in a later turn of the
 * loop; the closure is gone then. */
typedef void (*BerthClosureDone)(GPtrArray *items, const GError *error, void *userdata);

/* Which content counts as here: what an image's name reaches, what a user holds
 * (store/provenance.h), or everything. */
typedef struct {
    const char *name;
    uint32_t owner;
    bool everything;
} BerthClosureScope;

/* Begins to collect what target reaches. If platform is given, only the manifest for it is taken of
 * an index, and is the target then. */
BerthClosure *berth_closure_collect(BerthImages *images, const BerthDescriptor *target,
                                    const BerthPlatform *platform, const BerthClosureScope *scope,
                                    BerthClosureDone done, void *userdata, GError **error);
void berth_closure_free(BerthClosure *closure);

/* The item of a digest, or NULL. */
const BerthClosureItem *berth_closure_find(GPtrArray *items, const char *digest);

/* The digests (const char *, owned by the items) of missing blobs of an image whose source is
 * known. */
GPtrArray *berth_closure_list_missing(BerthImages *images, const char *name, GPtrArray *items);

/* False if an item is missing; the error names the first. */
bool berth_closure_check(GPtrArray *items, const char *name, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthClosure, berth_closure_free)
