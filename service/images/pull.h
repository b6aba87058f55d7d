/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pulls an image: everything that it needs into the content store (Fetch), and additionally its
 * snapshots and its name (Pull); or only the snapshots of an image that is already stored (Unpack).
 * Layers are hashed, stored, decompressed and unpacked as they arrive, several at a time.
 */

#pragma once

#include "images/images.h"

typedef enum { BERTH_PULL_FETCH, BERTH_PULL_PULL, BERTH_PULL_UNPACK } BerthPullMode;

typedef struct {
    BerthPullMode mode;
    const char *reference; /* to an image at a remote; for Unpack, the name of a stored image */
    const char *platform;  /* NULL: this machine's */
    bool all_platforms;    /* fetch the content for other platforms as well */
    bool insecure;
    char *const *credentials; /* alternating keys and values; may be NULL */
    bool own;                 /* without credentials, use the service's own */
    const char *lease;        /* keeps all content, or "" */
    uint32_t owner;
    bool lasting; /* resumed by the next start of the service */
} BerthPullRequest;

/* Starts the pull. Returns NULL with error set if that fails immediately; the transfer reports
 * everything else. */
BerthTransfer *berth_pull_start(BerthImages *images, const BerthPullRequest *request,
                                GError **error);
