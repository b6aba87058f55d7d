/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tar stream of a layer: a thread reads, inflates and hashes while the caller takes the blocks
 * one after another. The compression is determined from the first bytes, since media types are
 * often wrong in practice.
 */

#pragma once

#include "base/hash.h"
#include "unpack/input.h"

#include <stdint.h>
#include <sys/types.h>

typedef struct BerthStream BerthStream;

/* The caller keeps input, and frees it after the stream. limit is the maximum inflated size. */
BerthStream *berth_stream_new(BerthInput *input, BerthAlgorithm algorithm, uint64_t limit,
                              GError **error);
void berth_stream_free(BerthStream *stream);

/* Returns the size of the next block, which is valid until the next call. 0 at the end, and after
 * an error. */
size_t berth_stream_next(BerthStream *stream, const void **block);

/* Reads the stream to its end and returns the digest of all inflated bytes and their number, or the
 * error that ended it early. */
bool berth_stream_finish(BerthStream *stream, char **digest, uint64_t *size, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthStream, berth_stream_free)
