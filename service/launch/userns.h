/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * User namespaces: their ID maps, and namespaces that consist only of a map, for idmapped
 * mounts.
 */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

/* Writes the maps of a process's user namespace, from outside of it. */
bool berth_userns_write_maps(pid_t pid, const BerthRanges *uids, const BerthRanges *gids,
                             BerthFault *fault);

/* Creates a user namespace with these maps and without a process. Returns a descriptor, or -1 with
 * fault. */
int berth_userns_new(const BerthRanges *uids, const BerthRanges *gids, BerthFault *fault);

/* Translates the id inside to the one outside. Returns false if it is in no range. */
bool berth_userns_map(const BerthRanges *ranges, uint32_t inside, uint32_t *outside);
