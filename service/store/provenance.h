/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who may use content. A blob is stored once, whichever user brings it; its presence gives nobody
 * a right to it. A user holds a blob once the user brought its bytes, or a remote showed for one
 * of the user's transfers that it has them. An image's name reaches the content that is held by
 * the users who gave the name its present target. That includes root: the registry chose the
 * target, not root. Root may name everything.
 *
 * The tables also record facts about layers: the diff ID that a blob was seen to unpack to, and
 * the manifests whose own layers were unpacked to a chain. A document that merely claims either
 * gains nothing by it.
 */

#pragma once

#include "store/database.h"

bool berth_provenance_hold(BerthDatabase *database, uint32_t owner, const char *digest,
                           GError **error);
/* How many names of images owner answers for. */
uint64_t berth_provenance_count_images(BerthDatabase *database, uint32_t owner);
/* The digests that owner holds, one in each row. */
sqlite3_stmt *berth_provenance_query_held(BerthDatabase *database, uint32_t owner, GError **error);
bool berth_provenance_holds(BerthDatabase *database, uint32_t owner, const char *digest);
/* Whether owner may name it without further right: content that it holds; for root, everything. */
bool berth_provenance_may_name(BerthDatabase *database, uint32_t owner, const char *digest);
/* Forgets the holders and the sources of a blob that was deleted. */
bool berth_provenance_forget(BerthDatabase *database, const char *digest, GError **error);

/* Whether owner is among the users who answer for the image. */
bool berth_provenance_vouches(BerthDatabase *database, const char *name, uint32_t owner);

/* Makes owner answer for the target of a name, alone or together with the users who do already. */
bool berth_provenance_vouch(BerthDatabase *database, const char *name, uint32_t owner, bool alone,
                            GError **error);
/* Makes the users who answer for the name other answer for name, too. */
bool berth_provenance_vouch_as(BerthDatabase *database, const char *name, const char *other,
                               GError **error);
/* Whether an image's name reaches a blob, as far as its documents lead there. */
bool berth_provenance_reaches(BerthDatabase *database, const char *name, const char *digest);
/* All that it reaches of its target and what that leads to, as far as that was recorded. */
GPtrArray *berth_provenance_list_reached(BerthDatabase *database, const char *name,
                                         const char *target, GError **error);
/* Whether owner answers for the name, and holds itself all that this reaches: the others who answer
 * for it lend owner nothing. */
bool berth_provenance_holds_reached(BerthDatabase *database, const char *name, const char *target,
                                    uint32_t owner);
/* Whether it reaches all that a document refers to, as recorded when that was read. */
bool berth_provenance_reaches_children(BerthDatabase *database, const char *name,
                                       const char *document);

bool berth_provenance_add_diff_id(BerthDatabase *database, const char *digest, const char *diff_id,
                                  GError **error);
bool berth_provenance_has_diff_id(BerthDatabase *database, const char *digest, const char *diff_id);
bool berth_provenance_add_chain(BerthDatabase *database, const char *manifest, const char *chain_id,
                                GError **error);
bool berth_provenance_has_chain(BerthDatabase *database, const char *manifest,
                                const char *chain_id);
