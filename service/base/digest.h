/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Digests as text, "algorithm:hex" (OCI image specification, descriptor.md), checked before they
 * become file names or parts of URLs; and chain IDs (config.md). Hashing content is in hash.h.
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
 * Checks that digest has a known algorithm and the right length. Only lower case is valid: upper
 * case would be a second name for the same content. The three errors (format, algorithm, length)
 * have different messages. algorithm may be NULL.
 */
bool berth_digest_parse(const char *digest, BerthAlgorithm *algorithm, GError **error);

/* Like berth_digest_parse, without the reason. */
bool berth_digest_is_valid(const char *digest);

/* Returns "sha256", "sha384" or "sha512". */
const char *berth_algorithm_get_name(BerthAlgorithm algorithm);

/* Whether claimed, which may be anything, is a digest of the same algorithm as digest, but another
 * one. Two digests of different algorithms may be of the same content. */
bool berth_digest_is_contradicted(const char *digest, const char *claimed);

/* Returns the hexadecimal part of a valid digest. */
const char *berth_digest_get_hex(const char *digest);

/* Returns the chain ID of a layer, from its parent's chain ID (NULL for the lowest layer) and its
 * diff ID. The caller frees it. */
char *berth_chain_id_next(const char *parent, const char *diff_id);
