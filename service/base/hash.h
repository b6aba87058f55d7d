/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hashing of content through libgcrypt, which uses the processor's SHA instructions, and which
 * libsystemd brings anyway: gnutls, as fast, brings nine libraries to each start of a worker.
 * Workers only. */

#pragma once

#include "base/digest.h"

typedef struct BerthHash BerthHash;

/* What the first hash of a process does otherwise. */
void berth_hash_prepare(void);

BerthHash *berth_hash_new(BerthAlgorithm algorithm);
void berth_hash_free(BerthHash *hash);
void berth_hash_update(BerthHash *hash, const void *data, size_t size);

/* The digest of all that was added, as "algorithm:hex"; more may be added after. Caller frees. */
char *berth_hash_get_digest(BerthHash *hash);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthHash, berth_hash_free)
