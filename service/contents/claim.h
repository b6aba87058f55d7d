/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A claim is the right to write something that only one operation at a time may write: an ingest
 * (by its key), a snapshot (by its chain ID), or an object that one transfer fetches and others
 * wait for.
 */

#pragma once

#include "contents/contents.h"

typedef struct BerthClaim BerthClaim;

/* Called when the claim's ref has been released; the claim can be taken now, unless another one has
 * taken it first. */
typedef void (*BerthClaimReleased)(void *userdata);

/* Creates a claim that is not held yet. released may be NULL for a claim that does not wait. */
BerthClaim *berth_claim_new(BerthContents *contents, const char *ref, BerthClaimReleased released,
                            void *userdata);
/* Returns false if another claim holds the ref; released is then called later, once, in a separate
 * iteration of the loop. */
bool berth_claim_take(BerthClaim *claim);
/* Releases the claim, or stops waiting for it. */
void berth_claim_release(BerthClaim *claim);
/* Releases the claim and frees it; NULL is ignored. */
void berth_claim_free(BerthClaim *claim);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthClaim, berth_claim_free)
