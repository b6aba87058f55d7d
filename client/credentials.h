/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Registry credentials as podman and docker keep them, found for the caller and handed to the
 * service with the call that needs them; it forgets them after. */

#pragma once

#include "base/credentials.h"
#include "client/bus.h"

/* What the caller's files or helpers have for a complete reference; NULL without an error where
 * there is nothing. */
BerthCredentials *dist_find_credentials(const char *reference, GError **error);

/* Appends {sv} "Credentials" where there are any, and marks the message as one to be forgotten. */
int dist_append_credentials(sd_bus_message *call, const BerthCredentials *credentials);

/* Keeps or removes what is known for a registry. Removing nothing is NotFound. */
bool dist_keep_credentials(const char *registry, const BerthCredentials *credentials,
                           GError **error);
bool dist_remove_credentials(const char *registry, GError **error);
