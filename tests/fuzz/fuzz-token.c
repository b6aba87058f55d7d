/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parses a token server's response. */

#include "fetch/token.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autoptr(BerthToken) token = berth_token_read((const char *)data, size, NULL);

    (void)token;
    return 0;
}
