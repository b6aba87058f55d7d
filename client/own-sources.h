/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The bind mounts of a configuration that need no privilege, for Create's option Binds. */

#pragma once

#include "base/document.h"

#include <systemd/sd-bus.h>

/* Appends (hsas) to an open list for each bind mount of the user's own files. Appends nothing for
 * root, who needs no such exception. Returns the number of descriptors, or a negative errno. */
int dist_append_own_sources(sd_bus_message *call, json_object *config);
