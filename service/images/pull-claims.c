/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The claims of a pull on what only one pull should bring: an object (pull-object.c), and the
 * snapshot of a layer (pull-layer.c). Each has two: one is shared by the pulls of one user, the
 * other by all pulls from one repository. Whoever holds a claim makes others wait, possibly without
 * an end, and a document may name any digest and any chain. So a user's own registry must not make
 * another user wait, and neither may a user who answers in place of a registry.
 */

#include "images/pull-private.h"

static BerthClaim *claim_of_repository(const BerthPullContext *context, const char *purpose,
                                       const char *digest, BerthClaimReleased released,
                                       void *userdata) {
    if (context->mode == BERTH_PULL_UNPACK || !berth_remote_session_is_proven(context->fetch))
        return NULL;
    g_autofree char *ref = g_strconcat(
        purpose, " ", berth_remote_session_get_locator(context->fetch), " ", digest, NULL);
    return berth_claim_new(context->images->contents, ref, released, userdata);
}

void berth_pull_claims_init(BerthPullClaims *claims, const BerthPullContext *context,
                            const BerthPullClaimsRequest *request, BerthClaimReleased released,
                            void *userdata) {
    claims->own = berth_claim_new(context->images->contents, request->own, released, userdata);
    claims->repository =
        claim_of_repository(context, request->purpose, request->digest, released, userdata);
}

void berth_pull_claims_clear(BerthPullClaims *claims) {
    g_clear_pointer(&claims->own, berth_claim_free);
    g_clear_pointer(&claims->repository, berth_claim_free);
}

bool berth_pull_claims_take(const BerthPullClaims *claims) {
    if (claims->repository && !berth_claim_take(claims->repository))
        return false;
    if (berth_claim_take(claims->own))
        return true;
    if (claims->repository)
        berth_claim_release(claims->repository);
    return false;
}

void berth_pull_claims_release(const BerthPullClaims *claims) {
    berth_claim_release(claims->own);
    if (claims->repository)
        berth_claim_release(claims->repository);
}
