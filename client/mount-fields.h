/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The option --mount. */

#pragma once

#include "base/error.h"

/* The lists of DistMounts (mounts.h) that entries are added to. */
typedef struct {
    char ***volumes, ***own, ***tmpfs;
    GPtrArray **images; /* of DistImageMount; NULL until there is one */
} DistMountLists;

/* Moves each -v that is only a path in the container from the volumes to the container's own
 * directories. */
void dist_mount_lists_split(DistMountLists *lists);

/* Converts values of --mount and appends them to the lists. False with error if one is invalid or
 * not supported. */
bool dist_mount_fields_read(char *const *mounts, DistMountLists *lists, GError **error);
