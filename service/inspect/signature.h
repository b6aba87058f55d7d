/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Signatures of images as cosign makes them (cosign's SIGNATURE_SPEC.md, "simple signing"): a
 * manifest whose layers are payloads, each with its signature as an annotation. The payload names
 * the manifest that is signed; the signature is over the payload's bytes, ECDSA on P-256 with
 * SHA-256, or Ed25519.
 */

#pragma once

#include "base/descriptor.h"

typedef struct {
    BerthDescriptor *payload;
    char *signature; /* base64 */
} BerthSignature;

/* Of BerthSignature; layers of other kinds are left out. */
GPtrArray *berth_signatures_read(const char *data, size_t size, GError **error);

typedef struct {
    const char *payload;
    size_t size;
    const char *signature;  /* base64 */
    char *const *keys;      /* public keys, PEM */
    const char *digest;     /* what has to be signed */
    const char *repository; /* whose image it has to be: "registry.example.com/web/app" */
} BerthSignatureCheck;

/* Which of the keys it is by, from 0. FailedPrecondition says what is wrong. */
bool berth_signature_verify(const BerthSignatureCheck *check, unsigned *key, GError **error);
