/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sums of sizes in bytes. A worker that has been taken over can leave sparse files of up to 8 EiB,
 * and a few of those exceed an integer. A sum therefore stops at INT64_MAX, which a column of the
 * database and a table of the client can hold as well, and which exceeds every limit.
 */

#pragma once

#include <stdint.h>

#define BERTH_MAX_SUM_BYTES ((uint64_t)INT64_MAX)

static inline void berth_size_add(uint64_t *sum, uint64_t more) {
    *sum = more < BERTH_MAX_SUM_BYTES && *sum < BERTH_MAX_SUM_BYTES - more ? *sum + more
                                                                           : BERTH_MAX_SUM_BYTES;
}
