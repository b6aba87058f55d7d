/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The manifests in which cosign stores signatures of images (cosign's SIGNATURE_SPEC.md, "simple
 * signing"): the layers are payloads, each with its signature as an annotation.
 * signature/signature.h verifies them.
 */

#pragma once

#include "base/descriptor.h"

typedef struct {
    BerthDescriptor *payload;
    char *signature; /* base64 */
} BerthSignature;

/* A list of BerthSignature; layers of other kinds are left out. */
GPtrArray *berth_signatures_read(const char *data, size_t size, GError **error);
