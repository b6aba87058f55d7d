/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* User namespaces: their maps, and namespaces that are only a map, for idmapped mounts. */

#pragma once

#include "plan/plan.h"

/* Writes the maps of the process's user namespace, from outside of it. */
bool berth_userns_write_maps(pid_t pid, const GArray *uid_ranges, const GArray *gid_ranges,
                             GError **error);

/* A user namespace with these maps, which nobody is in; -1 with error. */
int berth_userns_new(const GArray *uid_ranges, const GArray *gid_ranges, GError **error);

/* The id outside of what is id inside; false where that is in no range. */
bool berth_userns_map(const GArray *ranges, uint32_t inside, uint32_t *outside);
