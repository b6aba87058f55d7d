/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A claim is idle, held or waiting, and belongs to the operation that writes. BerthContents has the
 * table of refs that are held, and the queue of waiting claims.
 */

#include "contents/claim.h"

#include "contents/contents-private.h"

typedef enum { CLAIM_IDLE, CLAIM_HELD, CLAIM_WAITING } ClaimState;

struct BerthClaim {
    BerthContents *contents;
    ClaimState state;
    char *ref;
    BerthClaimReleased released;
    void *userdata;
};

BerthClaim *berth_claim_new(BerthContents *contents, const char *ref, BerthClaimReleased released,
                            void *userdata) {
    BerthClaim *claim = g_new0(BerthClaim, 1);

    *claim = (BerthClaim){contents, CLAIM_IDLE, g_strdup(ref), released, userdata};
    return claim;
}

/* Wakes the waiting claims whose ref is free, in order. The first one for a ref takes it again in
 * its callback, so that others for the same ref continue to wait. A callback may change the queue,
 * so it is searched from the start after each one. */
static int claims_wake(sd_event_source *source, void *userdata) {
    BerthContents *contents = userdata;
    guint i = 0;

    (void)source;
    while (i < contents->waiters->len) {
        BerthClaim *claim = contents->waiters->pdata[i];
        if (g_hash_table_contains(contents->writers, claim->ref)) {
            i++;
            continue;
        }
        g_ptr_array_remove_index(contents->waiters, i);
        claim->state = CLAIM_IDLE;
        claim->released(claim->userdata);
        i = 0;
    }
    return 0;
}

static void claim_wait(BerthClaim *claim) {
    BerthContents *contents = claim->contents;

    if (!contents->released) {
        if (sd_event_add_defer(contents->event, &contents->released, claims_wake, contents) < 0)
            g_error("out of memory");
        sd_event_source_set_enabled(contents->released, SD_EVENT_OFF);
    }
    claim->state = CLAIM_WAITING;
    g_ptr_array_add(contents->waiters, claim);
}

bool berth_claim_take(BerthClaim *claim) {
    BerthContents *contents = claim->contents;

    if (claim->state == CLAIM_HELD)
        return true;
    berth_claim_release(claim);
    if (g_hash_table_add(contents->writers, g_strdup(claim->ref))) {
        claim->state = CLAIM_HELD;
        return true;
    }
    if (claim->released)
        claim_wait(claim);
    return false;
}

void berth_claim_release(BerthClaim *claim) {
    BerthContents *contents = claim->contents;

    if (claim->state == CLAIM_WAITING)
        g_ptr_array_remove(contents->waiters, claim);
    if (claim->state == CLAIM_HELD) {
        g_hash_table_remove(contents->writers, claim->ref);
        /* In a later iteration of the loop, since the holder may release the claim in the middle of
         * a step. */
        if (contents->waiters->len > 0)
            sd_event_source_set_enabled(contents->released, SD_EVENT_ONESHOT);
    }
    claim->state = CLAIM_IDLE;
}

void berth_claim_free(BerthClaim *claim) {
    if (!claim)
        return;
    berth_claim_release(claim);
    g_free(claim->ref);
    g_free(claim);
}
