/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checks whether an image of a remote is signed with one of a set of keys. Signatures are searched
 * where cosign puts them: under the tag "sha256-HEX.sig", and among the referrers of the digest
 * (distribution specification 1.1). berth-inspect verifies them.
 */

#pragma once

#include "images/images.h"

typedef struct BerthSignatureSearch BerthSignatureSearch;

/* key: index of the key that has signed it. error: FailedPrecondition, with the reason. Called
 * once; the search is gone then. */
typedef void (*BerthSignatureFound)(unsigned key, const GError *error, void *userdata);

/* session is ready, belongs to the caller, and outlives the search. keys: paths of public keys. */
BerthSignatureSearch *berth_signatures_search(BerthImages *images, BerthRemoteSession *session,
                                              const char *digest, char *const *keys,
                                              BerthSignatureFound done, void *userdata,
                                              GError **error);
void berth_signature_search_free(BerthSignatureSearch *search);
