/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fuzz.h"
#include "launch/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned flags;
    scmp_filter_ctx filter = berth_filter_build((const char *)data, size, &flags, NULL);

    if (filter)
        seccomp_release(filter);
    return 0;
}
