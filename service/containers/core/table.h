/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The service's containers, and finding them again. */

#pragma once

#include "containers/core/object.h"

/* directory: the state directory. parts: in order, ending with NULL; they remain the caller's. */
BerthContainers *berth_containers_new_with_parts(sd_bus *bus, int directory, BerthImages *images,
                                                 const BerthPart *const *parts, GError **error);
void berth_containers_free(BerthContainers *containers);

/* Opens a directory of the state directory, making it if there is none. */
bool berth_containers_open_state(const BerthContainers *containers, const char *name, int *fd,
                                 GError **error);
