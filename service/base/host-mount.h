/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Mounts of the host's own mount namespace, by their ID. In a namespace of a caller's, a path may
 * mean anything. */

#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Whether a mount is one of the host's. */
bool berth_host_mount_exists(uint64_t id);

/* Whether it is, and can most likely be mounted once more with other IDs (idmapped). The attempt
 * alone shows that for sure; what is not known is false. */
bool berth_host_mount_takes_ids(uint64_t id);

/* The same of a line of proc_pid_mountinfo(5), on a kernel that is at least the version that
 * kernel_is() is true for. */
bool berth_host_mount_parse(const char *line, bool (*kernel_is)(unsigned major, unsigned minor));
