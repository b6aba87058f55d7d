/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pulls an image: everything that it needs into the content store (Fetch), and also its snapshots
 * and its name (Pull); or only the snapshots of an image that is here (Unpack). Layers are hashed,
 * stored, inflated and unpacked while they arrive, several at a time.
 */

#pragma once

#include "images/images.h"

typedef enum { BERTH_PULL_FETCH, BERTH_PULL_PULL, BERTH_PULL_UNPACK } BerthPullMode;

typedef struct {
    BerthPullMode mode;
    const char *reference; /* of a remote; for Unpack the name of an image here */
    const char *platform;  /* NULL: this machine's */
    bool all_platforms;    /* fetch the other platforms' content, too */
    bool insecure;
    char *const *credentials; /* key, value, …; may be NULL */
    bool own;                 /* without those, use the service's own */
    const char *lease;        /* that keeps everything, or "" */
    uint32_t owner;
    bool lasting; /* resumed by the next start of the service */
} BerthPullRequest;

/* Starts it; NULL with error if that fails at once. The transfer reports the rest. */
BerthTransfer *berth_pull_start(BerthImages *images, const BerthPullRequest *request,
                                GError **error);
