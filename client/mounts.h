/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* -v and --tmpfs as the options of Containers.Create. */

#pragma once

#include "client/bus.h"

/* Appends {sv} for what there is, with the sources of a configuration (NULL: none); negative errno,
 * or with error set. */
int dist_append_mounts(sd_bus_message *call, char *const *volumes, char *const *tmpfs,
                       const char *config, GError **error);
