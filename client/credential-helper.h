/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Credential helpers of the user, by docker's protocol. client/credentials.c knows which helper and
 * key an auth file names for a registry.
 */

#pragma once

#include "base/credentials.h"

/* Returns NULL without an error if the helper has no credentials for the key. */
BerthCredentials *dist_credential_helper_get(const char *name, const char *key, GError **error);

bool dist_credential_helper_store(const char *name, const char *key,
                                  const BerthCredentials *credentials, GError **error);

/* Sets *removed if the helper had credentials; that it had none is not an error. */
bool dist_credential_helper_erase(const char *name, const char *key, bool *removed, GError **error);
