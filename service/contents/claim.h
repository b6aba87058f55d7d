/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A claim is the right to write something that only one operation at a time may write: an ingest
 * (by its key), a snapshot (by its chain ID), or what transfers fetch for each other.
 */

#pragma once

#include "contents/contents.h"

typedef struct BerthClaim BerthClaim;

/* The claim's ref was released; the claim may be taken now, unless another has taken it first. */
typedef void (*BerthClaimReleased)(void *userdata);

/* A claim that is not held yet. released may be NULL for one that does not wait. */
BerthClaim *berth_claim_new(BerthContents *contents, const char *ref, BerthClaimReleased released,
                            void *userdata);
/* False if another holds it; released is called later then, once, in a turn of its own. */
bool berth_claim_take(BerthClaim *claim);
/* Lets go, or stops waiting. */
void berth_claim_release(BerthClaim *claim);
void berth_claim_free(BerthClaim *claim);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthClaim, berth_claim_free)
