/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --mount. */

#pragma once

#include "base/error.h"

/* Lists as in DistMounts (mounts.h), to which is added. */
typedef struct {
    char ***volumes, ***own, ***tmpfs;
} DistMountLists;

/* Moves each -v that is a path of the container alone from the volumes to the container's own. */
void dist_mount_lists_split(DistMountLists *lists);

bool dist_mount_fields_read(char *const *mounts, DistMountLists *lists, GError **error);
