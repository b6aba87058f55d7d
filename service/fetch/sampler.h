/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A sample of a blob: so many bytes of it from an offset on, as the registry has them. berthd
 * compares it with the blob that is here, which shows that this registry has it, too: other than
 * an answer to HEAD it cannot be given without the content.
 */

#pragma once

#include "fetch/remote.h"

/* The most that one sample holds. */
#define BERTH_SAMPLE_MAX_BYTES 65536u

typedef void (*BerthSampled)(const char *data, size_t size, const GError *error, void *userdata);

/* Asks one remote after the other until one sends exactly that range. */
void berth_sample(GPtrArray *remotes, const char *digest, uint64_t offset, uint32_t length,
                  BerthSampled done, void *userdata);
