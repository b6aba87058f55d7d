/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --secret and --credentials as the options Secrets and SecretVariables of Containers.Create. */

#pragma once

#include "client/bus.h"

/* Appends them if there are any: those that are given, as NAME, NAME=FILE or NAME,src=FILE with
 * type=env and target= behind it, and with credentials all of $CREDENTIALS_DIRECTORY as files.
 * Negative errno, or with error set. */
int dist_append_secrets(sd_bus_message *call, char *const *secrets, bool credentials,
                        GError **error);
