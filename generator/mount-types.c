/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The names of the types of mounts. There is no state. */

#include "generator/mount-types.h"

#include <stddef.h>

const char *const berth_mount_types[] = {"bind",  "glob",     "volume", "tmpfs",
                                         "image", "artifact", "devpts", NULL};
