/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of the service's containers, and how to find them. */

#pragma once

#include "containers/core/object.h"

/* directory is the state directory. parts are in calling order and NULL-terminated; the caller
 * keeps ownership. */
BerthContainers *berth_containers_new_with_parts(sd_bus *bus, int directory, BerthImages *images,
                                                 const BerthPart *const *parts, GError **error);
void berth_containers_free(BerthContainers *containers);

/* Opens a subdirectory of the state directory, and creates it if necessary. */
bool berth_containers_open_state(const BerthContainers *containers, const char *name, int *fd,
                                 GError **error);
