/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Decompresses a layer: uncompressed, gzip (ISA-L; RFC 1952, several members) or zstd (RFC 8878).
 */

#pragma once

#include "base/error.h"

#include <stdint.h>

typedef struct BerthInflate BerthInflate;

/* first: the first bytes of the content, which determine its format. */
BerthInflate *berth_inflate_new(const uint8_t *first, size_t size, GError **error);
void berth_inflate_free(BerthInflate *inflate);

/* Provides compressed bytes, which must stay valid until berth_inflate_take returns 0. */
void berth_inflate_give(BerthInflate *inflate, const uint8_t *input, size_t size);

/* Produces up to size inflated bytes. 0 means that it needs more input, -1 an error. */
ssize_t berth_inflate_take(BerthInflate *inflate, uint8_t *output, size_t size, GError **error);

/* After the last input: whether the content was complete. */
bool berth_inflate_check_end(BerthInflate *inflate, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthInflate, berth_inflate_free)
