/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cgroups that a manager other than systemd has created for the processes of its users. */

#pragma once

#include "base/error.h"

#include <sys/types.h>

/* Returns the id of the cgroup at path if a manager running as root has created it below the
 * delegated cgroup above, and if the user's process pid, which is in it, has no other limits;
 * otherwise 0. */
uint64_t berth_managed_cgroup_find(int root, const char *path, int above, const char *above_path,
                                   pid_t pid, uint32_t uid);

/* Checks that a cgroup, opened by its path, is still the one with that id. */
bool berth_managed_cgroup_check(int cgroup, const char *path, uint64_t number, GError **error);
