/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Mounts of the host's own mount namespace, by their ID. In a namespace of a caller's, a path may
 * mean anything. */

#pragma once

#include "base/error.h"

#include <stdint.h>

/* Whether a mount is one of the host's. */
bool berth_host_mount_exists(uint64_t id);

/* Whether it is, and can most likely be mounted once more with other IDs (idmapped). The attempt
 * alone shows that for sure; what is not known is false. */
bool berth_host_mount_takes_ids(uint64_t id);

/* Fields of a line of proc_pid_mountinfo(5); characters as \040 stay encoded. */
typedef struct {
    const char *root; /* the directory of the file system that is mounted */
    const char *place, *type, *source;
} BerthHostMount;

/* Calls visit for each. False if the table cannot be read to its end. */
bool berth_host_mount_visit(void (*visit)(const BerthHostMount *mount, void *userdata),
                            void *userdata, GError **error);

/* The same of a line of proc_pid_mountinfo(5), on a kernel that is at least the version that
 * kernel_is() is true for. */
bool berth_host_mount_parse(const char *line, bool (*kernel_is)(unsigned major, unsigned minor));
