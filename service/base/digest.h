/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Digests in text, "algorithm:hex" (OCI image specification, descriptor.md): checking them before
 * they become file names or parts of URLs, and chain IDs (config.md). Hashing content is hash.h.
 */

#pragma once

#include "base/error.h"

#include <stddef.h>

typedef enum {
    BERTH_ALGORITHM_SHA256,
    BERTH_ALGORITHM_SHA384,
    BERTH_ALGORITHM_SHA512,
} BerthAlgorithm;

/*
 * Checks that digest is of a known algorithm and complete. Lowercase only: uppercase would be a
 * second name of the same content. The three errors (format, algorithm, length) differ in text.
 * algorithm may be NULL.
 */
bool berth_digest_parse(const char *digest, BerthAlgorithm *algorithm, GError **error);

/* The same without the reason. */
bool berth_digest_is_valid(const char *digest);

/* "sha256", "sha384", "sha512". */
const char *berth_algorithm_get_name(BerthAlgorithm algorithm);

/* The hexadecimal part of a valid digest. */
const char *berth_digest_get_hex(const char *digest);

/* The chain ID of a layer, from its parent's (NULL for the lowest) and its diff ID. Caller frees.
 */
char *berth_chain_id_next(const char *parent, const char *diff_id);
