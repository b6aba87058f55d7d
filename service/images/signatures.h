/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checks whether an image at a remote is signed with one of a set of keys. Signatures are looked
 * for in the places used by cosign: under the tag "sha256-HEX.sig", and among the referrers of the
 * digest (distribution specification 1.1). berth-inspect lists them and berth-signature
 * verifies them.
 */

#pragma once

#include "images/images.h"

typedef struct BerthSignatureSearch BerthSignatureSearch;

/* key is the index of the key that made the signature. error is FailedPrecondition, with the
 * reason. Called once; the search has been freed by then. */
typedef void (*BerthSignatureFound)(unsigned key, const GError *error, void *userdata);

/* session must be ready; it belongs to the caller, and must outlive the search. keys are paths of
 * public keys. */
BerthSignatureSearch *berth_signatures_search(BerthImages *images, BerthRemoteSession *session,
                                              const char *digest, char *const *keys,
                                              BerthSignatureFound done, void *userdata,
                                              GError **error);
void berth_signature_search_free(BerthSignatureSearch *search);
