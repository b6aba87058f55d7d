/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who may use content. A blob is stored once, whichever user brings it, and its presence does not
 * give anybody a right to it. A user holds a blob if the user has brought its bytes, or if a remote
 * has shown for one of the user's transfers that it has them. An image's name reaches the content
 * held by the users who gave the name its current target. That includes root: the registry chose
 * the target, not root. Root may name everything.
 *
 * The tables also record facts about layers: the diff ID to which a blob was seen to unpack, and
 * the manifests whose own layers were unpacked to a chain. A document that merely claims either
 * gains nothing by it.
 */

#pragma once

#include "store/database.h"

/* Records that owner holds a blob. */
bool berth_provenance_hold(BerthDatabase *database, uint32_t owner, const char *digest,
                           GError **error);
/* Returns the number of image names that owner answers for. */
uint64_t berth_provenance_count_images(BerthDatabase *database, uint32_t owner);
/* Queries the digests that owner holds, one per row. */
sqlite3_stmt *berth_provenance_query_held(BerthDatabase *database, uint32_t owner, GError **error);
/* Whether owner holds a blob. */
bool berth_provenance_holds(BerthDatabase *database, uint32_t owner, const char *digest);
/* Whether owner may name it without a further right: content that it holds; for root,
 * everything. */
bool berth_provenance_may_name(BerthDatabase *database, uint32_t owner, const char *digest);
/* Forgets the holders and the sources of a deleted blob. */
bool berth_provenance_forget(BerthDatabase *database, const char *digest, GError **error);

/* Whether owner is one of the users who answer for the image. */
bool berth_provenance_vouches(BerthDatabase *database, const char *name, uint32_t owner);

/* Makes owner answer for the target of a name, alone or together with the users who already do. */
bool berth_provenance_vouch(BerthDatabase *database, const char *name, uint32_t owner, bool alone,
                            GError **error);
/* Makes the users who answer for the name other answer for name as well. */
bool berth_provenance_vouch_as(BerthDatabase *database, const char *name, const char *other,
                               GError **error);
/* Whether an image's name reaches a blob, as far as its documents refer to it. */
bool berth_provenance_reaches(BerthDatabase *database, const char *name, const char *digest);
/* Returns everything that the name reaches, of its target and what that refers to, as far as
 * recorded. */
GPtrArray *berth_provenance_list_reached(BerthDatabase *database, const char *name,
                                         const char *target, GError **error);
/* Whether owner answers for the name and itself holds everything that the name reaches: nothing is
 * borrowed from other users who answer for it. */
bool berth_provenance_holds_reached(BerthDatabase *database, const char *name, const char *target,
                                    uint32_t owner);
/* Whether the name reaches everything that a document refers to, as recorded when the document was
 * read. */
bool berth_provenance_reaches_children(BerthDatabase *database, const char *name,
                                       const char *document);

/* The facts about layers: what a blob was seen to unpack to, and a chain that was unpacked from a
 * manifest's own layers. */
bool berth_provenance_add_diff_id(BerthDatabase *database, const char *digest, const char *diff_id,
                                  GError **error);
bool berth_provenance_has_diff_id(BerthDatabase *database, const char *digest, const char *diff_id);
bool berth_provenance_add_chain(BerthDatabase *database, const char *manifest, const char *chain_id,
                                GError **error);
bool berth_provenance_has_chain(BerthDatabase *database, const char *manifest,
                                const char *chain_id);
