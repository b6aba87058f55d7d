/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads a layer as it arrives: plain, gzip or zstd, in several members, truncated. The output never
 * exceeds the limit, and its length matches the count.
 */

#include "base/fd.h"
#include "fuzz.h"
#include "unpack/stream.h"

#include <sys/mman.h>

enum { LIMIT = 4 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    berth_autofd int input = memfd_create("layer", MFD_CLOEXEC);
    g_autofree char *digest = NULL;
    uint64_t counted = 0, taken = 0;
    const void *block;

    if (!berth_fd_write_all(input, data, size) || lseek(input, 0, SEEK_SET) < 0)
        return 0;
    g_autoptr(BerthInput) from = berth_input_new(input);
    g_autoptr(BerthStream) stream = berth_stream_new(from, BERTH_ALGORITHM_SHA256, LIMIT, NULL);
    g_assert_nonnull(stream);
    for (size_t part; (part = berth_stream_next(stream, &block)) > 0; taken += part)
        g_assert_cmpuint(((const uint8_t *)block)[part - 1], <=, UINT8_MAX);
    g_assert_cmpuint(taken, <=, LIMIT);
    if (berth_stream_finish(stream, &digest, &counted, NULL)) {
        g_assert_cmpuint(counted, ==, taken);
        g_assert_nonnull(digest);
    }
    return 0;
}
