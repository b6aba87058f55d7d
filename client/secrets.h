/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --secret and --credentials as the option Secrets of Containers.Create. */

#pragma once

#include "client/bus.h"

/* Appends {sv} if there are any: those that are given, as NAME, NAME=FILE or NAME,src=FILE, and
 * with credentials all of $CREDENTIALS_DIRECTORY. Negative errno, or with error set. */
int dist_append_secrets(sd_bus_message *call, char *const *secrets, bool credentials,
                        GError **error);
