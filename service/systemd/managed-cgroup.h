/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cgroups that a manager other than systemd has made for the processes of its users. */

#pragma once

#include "base/error.h"

#include <sys/types.h>

/* The number of the cgroup at path, if a manager of root's has made it below the delegated cgroup
 * above, and the user's process pid, which is in it, is limited by nothing else; 0 otherwise. */
uint64_t berth_managed_cgroup_find(int root, const char *path, int above, const char *above_path,
                                   pid_t pid, uint32_t uid);

/* Whether a cgroup, opened by its path, is still the one with that number. */
bool berth_managed_cgroup_check(int cgroup, const char *path, uint64_t number, GError **error);
