/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * All that an image reaches, read from its documents in the store: what pushing and exporting send,
 * and what collection must know before it deletes. What is read is recorded in berth.db.
 */

#pragma once

#include "images/images.h"

typedef struct {
    BerthDescriptor *descriptor;
    bool is_document;        /* a manifest or an index */
    bool missing;            /* its content is not here, or is not this image's */
    BerthDocument *document; /* what was read of a document; NULL otherwise */
} BerthClosureItem;

typedef struct BerthClosure BerthClosure;

/* items: of BerthClosureItem, each once, in the order in which a remote can take them: blobs, then
 * documents with those that they refer to before them, the target last. Called once, from the loop;
 * the closure is gone afterwards. */
typedef void (*BerthClosureDone)(GPtrArray *items, const GError *error, void *userdata);

/* For whom: what an image's name reaches, or what a user holds (store/provenance.h), or all that is
 * here. */
typedef struct {
    const char *name;
    uint32_t owner;
    bool everything;
} BerthClosureScope;

/* Begins to collect what target reaches; of an index, where platform is given, only the manifest
 * for it, which is then the target. */
BerthClosure *berth_closure_collect(BerthImages *images, const BerthDescriptor *target,
                                    const BerthPlatform *platform, const BerthClosureScope *scope,
                                    BerthClosureDone done, void *userdata, GError **error);
void berth_closure_free(BerthClosure *closure);

/* The item of a digest, or NULL. */
const BerthClosureItem *berth_closure_find(GPtrArray *items, const char *digest);

/* Digests (of const char *, the items') of blobs of an image that are missing and can be had
 * again. */
GPtrArray *berth_closure_list_missing(BerthImages *images, const char *name, GPtrArray *items);

/* The first that is missing as an error for a person; true where nothing is. */
bool berth_closure_check(GPtrArray *items, const char *name, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthClosure, berth_closure_free)
