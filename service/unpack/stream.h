/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tar stream of a layer: a thread reads, inflates and hashes, while the caller takes the blocks
 * one after another. What a layer is compressed with is read from its first bytes; its media type
 * is known to be wrong in the field.
 */

#pragma once

#include "base/hash.h"

#include <stdint.h>
#include <sys/types.h>

typedef struct BerthStream BerthStream;

/* Reads from input, which stays the caller's. limit bounds the inflated size. */
BerthStream *berth_stream_new(int input, BerthAlgorithm algorithm, uint64_t limit, GError **error);
void berth_stream_free(BerthStream *stream);

/* The next block; valid until the next call. 0 at the end, also after an error. */
size_t berth_stream_next(BerthStream *stream, const void **block);

/* Takes the stream to its end and says what it was: the digest of all inflated bytes and their
 * count, or the error that ended it early. */
bool berth_stream_finish(BerthStream *stream, char **digest, uint64_t *size, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthStream, berth_stream_free)
