/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registry credentials as podman and docker store them. They are found for the caller and passed to
 * the service with the call that needs them; the service forgets them afterwards.
 */

#pragma once

#include "base/credentials.h"
#include "client/bus.h"

/* The credentials that the caller's files or helpers have for a complete reference; NULL without an
 * error if there are none. The caller frees them. */
BerthCredentials *dist_find_credentials(const char *reference, GError **error);

/* Appends {sv} "Credentials" unless they are NULL, and marks the message as sensitive. Nothing may
 * be appended after them: the message would grow and leave a copy of the last secret behind. */
int dist_append_credentials(sd_bus_message *call, const BerthCredentials *credentials);

/* Stores or removes the credentials for a registry. NotFound if there are none to remove. */
bool dist_keep_credentials(const char *registry, const BerthCredentials *credentials,
                           GError **error);
bool dist_remove_credentials(const char *registry, GError **error);
