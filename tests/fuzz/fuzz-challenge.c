/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parses the challenges in a WWW-Authenticate header. */

#include "fetch/challenge.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(BerthChallenge) challenge = berth_challenge_parse(text, "repository:x:pull", NULL);

    (void)challenge;
    return 0;
}
