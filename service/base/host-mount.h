/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Mounts in the host's mount namespace, by their ID. Paths are not used, since in a caller's
 * namespace a path may mean anything.
 */

#pragma once

#include "base/error.h"

#include <stdint.h>

/* Whether a mount is in the host's mount namespace. */
bool berth_host_mount_exists(uint64_t id);

/* Whether a mount is in the host's namespace and can most likely be mounted again with other IDs
 * (idmapped). Only the attempt shows this for certain; returns false if it is unknown. */
bool berth_host_mount_takes_ids(uint64_t id);

/* Fields of a line of proc_pid_mountinfo(5); characters encoded as \040 remain so. */
typedef struct {
    const char *root; /* the directory within the file system that is mounted */
    const char *place, *type, *source;
} BerthHostMount;

/* Calls visit for each mount. Returns false if the table cannot be read completely. */
bool berth_host_mount_visit(void (*visit)(const BerthHostMount *mount, void *userdata),
                            void *userdata, GError **error);

/* The check of berth_host_mount_takes_ids() for a line of proc_pid_mountinfo(5). kernel_is()
 * returns whether the running kernel has at least the given version. */
bool berth_host_mount_parse(const char *line, bool (*kernel_is)(unsigned major, unsigned minor));
