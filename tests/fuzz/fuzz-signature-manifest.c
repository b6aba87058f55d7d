/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads a manifest of signatures. */

#include "fuzz.h"
#include "inspect/signature-manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autoptr(GPtrArray) signatures = berth_signatures_read((const char *)data, size, NULL);

    (void)signatures;
    return 0;
}
