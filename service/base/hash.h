/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Hashes content with libgcrypt, which uses the processor's SHA instructions and which libsystemd
 * loads anyway. gnutls would be as fast, but adds nine libraries to the start of each worker. Only
 * for workers.
 */

#pragma once

#include "base/digest.h"

typedef struct BerthHash BerthHash;

/* Prepares the first hash of a process, which otherwise does this itself. */
void berth_hash_prepare(void);

/* Never fails: the process is aborted if libgcrypt cannot compute hashes. */
BerthHash *berth_hash_new(BerthAlgorithm algorithm);
void berth_hash_free(BerthHash *hash);
void berth_hash_update(BerthHash *hash, const void *data, size_t size);

/* Returns the digest of everything added so far as "algorithm:hex"; more can be added afterwards.
 * The caller frees it. */
char *berth_hash_get_digest(BerthHash *hash);

/* Returns the digest of data, which the caller frees. */
char *berth_hash_data(BerthAlgorithm algorithm, const void *data, size_t size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthHash, berth_hash_free)
