/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --mount. */

#pragma once

#include "base/error.h"

/* Lists as those of --volume and --tmpfs, to which is added. */
typedef struct {
    char ***volumes, ***tmpfs;
} DistMountLists;

bool dist_mount_fields_read(char *const *mounts, DistMountLists *lists, GError **error);
