/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * --secret and --credentials as the options Secrets, SecretFiles and SecretVariables of
 * Containers.Create.
 */

#pragma once

#include "client/bus.h"

/* Appends the secrets, if there are any: those given as NAME, NAME=FILE or NAME,src=FILE,
 * optionally followed by type=env and target=; and, with credentials, all of $CREDENTIALS_DIRECTORY
 * as files. Adds the number of descriptors to *descriptors. Negative errno, possibly with error
 * set. */
int dist_append_secrets(sd_bus_message *call, char *const *secrets, bool credentials,
                        unsigned *descriptors, GError **error);
