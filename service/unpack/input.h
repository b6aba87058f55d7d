/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The bytes of a layer as they are stored, part by part: read from a descriptor, or from a
 * file of the content store while berth-ingest is still writing it. */

#pragma once

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

typedef struct BerthInput BerthInput;

/* The number of bytes that the first part has, unless the input is shorter. */
enum { BERTH_INPUT_FIRST_BYTES = 4 };

/* The caller keeps the descriptors, which must stay open until the input is freed. */
BerthInput *berth_input_new(int fd);
/* file grows meanwhile and never shrinks; its size is final when growth, a pipe that receives a
 * byte each time the file has grown, is closed. If it is then smaller than expected bytes, its end
 * is BERTH_ERROR_SIZE_MISMATCH: what wrote it has failed. */
BerthInput *berth_input_new_growing(int file, int growth, uint64_t expected);
void berth_input_free(BerthInput *input);

/* Returns the size of the next part, which is valid until the next call; 0 at the end, -1 with
 * error. */
ssize_t berth_input_next(BerthInput *input, const uint8_t **part, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthInput, berth_input_free)
