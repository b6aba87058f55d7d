/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* User namespaces: their maps, and namespaces that are only a map, for idmapped mounts. */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

/* Writes the maps of the process's user namespace, from outside of it. */
bool berth_userns_write_maps(pid_t pid, const BerthRanges *uids, const BerthRanges *gids,
                             BerthFault *fault);

/* A user namespace with these maps, which no process is in; -1 with fault. */
int berth_userns_new(const BerthRanges *uids, const BerthRanges *gids, BerthFault *fault);

/* The id outside that is id inside; false if that is in no range. */
bool berth_userns_map(const BerthRanges *ranges, uint32_t inside, uint32_t *outside);
