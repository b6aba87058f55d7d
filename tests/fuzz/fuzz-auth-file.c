/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Searches an auth.json for the credentials of a repository. */

#include "base/credentials.h"
#include "fuzz.h"

#include <glib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autoptr(BerthCredentials) credentials = NULL;
    g_autofree char *helper = NULL;
    g_autofree char *key = NULL;

    berth_auth_file_find((const char *)data, size, "registry.example.com/web/app", &credentials,
                         &helper, &key, NULL);
    return 0;
}
