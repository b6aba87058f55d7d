/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compiles a seccomp profile, a JSON document, to a filter. */

#include "fuzz.h"
#include "seccomp/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    BerthFilter filter;

    if (berth_filter_build((const char *)data, size, 0, &filter, NULL))
        seccomp_release(filter.context);
    return 0;
}
