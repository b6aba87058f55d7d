/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The bind mounts of a configuration that need no privilege, for Create's option Binds. */

#pragma once

#include "base/document.h"

#include <systemd/sd-bus.h>

/* Appends (hsas) for each bind mount of what is the user's own, into an open list. Nothing for
 * root, for whom nothing is a privilege. */
int dist_append_own_sources(sd_bus_message *call, JsonObject *config);
