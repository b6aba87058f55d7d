/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pulling: all that an image needs into the content store (Fetch), then its snapshots and its name
 * (Pull); or the snapshots of an image that is here (Unpack). A layer is hashed, stored, inflated
 * and unpacked while it arrives, several at a time.
 */

#pragma once

#include "images/images.h"

typedef enum { BERTH_PULL_FETCH, BERTH_PULL_PULL, BERTH_PULL_UNPACK } BerthPullMode;

typedef struct {
    BerthPullMode mode;
    const char *reference; /* of a remote; for Unpack the name of an image here */
    const char *platform;  /* NULL: this machine's */
    bool all_platforms;    /* Fetch only what all platforms need, too */
    bool insecure;
    char *const *credentials; /* key, value, …; may be NULL */
    bool own;                 /* for want of those the service's, for this time */
    const char *lease;        /* that keeps all of it, or "" */
    uint32_t owner;
    bool lasting; /* taken up again after the service was away */
} BerthPullRequest;

/* Begins again what was under way when the service went; what cannot be begun is logged. */
void berth_pull_resume_all(BerthImages *images);

/* Starts it; NULL with error where that fails at once. The transfer tells the rest. */
BerthTransfer *berth_pull_start(BerthImages *images, const BerthPullRequest *request,
                                GError **error);
