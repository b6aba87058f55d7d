/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whether an image of a remote is signed by one of some keys: its signatures are looked for where
 * cosign puts them, under the tag "sha256-HEX.sig" and among the referrers of its digest
 * (distribution specification 1.1), and checked by berth-inspect.
 */

#pragma once

#include "images/images.h"

typedef struct BerthSignatureSearch BerthSignatureSearch;

/* key: which of the keys it is signed by, from 0. error: FailedPrecondition, with the reason.
 * Called once; the search is gone afterwards. */
typedef void (*BerthSignatureFound)(unsigned key, const GError *error, void *userdata);

/* session is ready and stays the caller's, longer than the search. keys: paths of public keys. */
BerthSignatureSearch *berth_signatures_search(BerthImages *images, BerthRemoteSession *session,
                                              const char *digest, char *const *keys,
                                              BerthSignatureFound done, void *userdata,
                                              GError **error);
void berth_signature_search_free(BerthSignatureSearch *search);

/* Searches for an image that is here, at its own name's remote, with the keys of the policy for it.
 */
typedef struct {
    BerthRemoteRequest remote;
    const char *digest;
} BerthSignatureRequest;
typedef void (*BerthSignatureVerified)(const char *key, const GError *error, void *userdata);
void berth_images_verify_signature(BerthImages *images, const BerthSignatureRequest *request,
                                   BerthSignatureVerified done, void *userdata);
