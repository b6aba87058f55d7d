/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The claims of a pull on what only one pull should bring: an object (pull-object.c), and the
 * snapshot of a layer (pull-layer.c). Each has two: one is shared by the pulls of one user, the
 * other by all pulls from one repository. Whoever holds a claim makes others wait, possibly without
 * an end, and a document may name any digest and any chain. So a user's own registry must not make
 * another user wait, and neither may a user who answers in place of a registry.
 */

#include "images/pull-private.h"

BerthClaim *berth_pull_claim_repository(const BerthPullContext *context, const char *purpose,
                                        const char *digest, BerthClaimReleased released,
                                        void *userdata) {
    if (context->mode == BERTH_PULL_UNPACK || !berth_remote_session_is_proven(context->fetch))
        return NULL;
    g_autofree char *ref = g_strconcat(
        purpose, " ", berth_remote_session_get_locator(context->fetch), " ", digest, NULL);
    return berth_claim_new(context->images->contents, ref, released, userdata);
}

bool berth_pull_claim_both(BerthClaim *repository, BerthClaim *own) {
    if (repository && !berth_claim_take(repository))
        return false;
    if (berth_claim_take(own))
        return true;
    if (repository)
        berth_claim_release(repository);
    return false;
}
