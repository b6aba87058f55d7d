/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Verifies signatures of images in cosign's format (cosign's SIGNATURE_SPEC.md, "simple signing").
 * The payload names the signed manifest; the signature covers the payload's bytes, with ECDSA on
 * P-256 with SHA-256, or Ed25519. Payloads and signatures are listed in a manifest
 * (inspect/signature-manifest.h).
 */

#pragma once

#include "base/error.h"

#include <stddef.h>

typedef struct {
    const char *payload;
    size_t size;
    const char *signature;  /* base64 */
    char *const *keys;      /* public keys, PEM */
    const char *digest;     /* the digest that must be signed */
    const char *repository; /* the repository that must be named: "registry.example.com/web/app" */
} BerthSignatureCheck;

/* key is set to the index, from 0, of the key that verifies it. FailedPrecondition says what is
 * wrong. */
bool berth_signature_verify(const BerthSignatureCheck *check, unsigned *key, GError **error);
