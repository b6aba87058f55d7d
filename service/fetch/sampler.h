/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fetches a sample of a blob: a number of bytes at an offset. berthd compares them with the stored
 * blob, which proves that this registry has it, too: unlike a response to HEAD, the sample cannot
 * be produced without the content.
 */

#pragma once

#include "fetch/remote.h"

/* The maximum size of a sample. */
#define BERTH_SAMPLE_MAX_BYTES 65536u

typedef void (*BerthSampled)(const char *data, size_t size, const GError *error, void *userdata);

/* Asks one remote after the other until one sends exactly that range. */
void berth_sample(GPtrArray *remotes, const char *digest, uint64_t offset, uint32_t length,
                  BerthSampled done, void *userdata);
