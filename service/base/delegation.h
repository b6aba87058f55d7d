/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Delegated cgroups: those below which a program other than systemd may create cgroups (cgroups(7)
 * and systemd's CGROUP_DELEGATION). Shared by berthd, which checks the cgroup of a caller, and
 * dist, which makes room in it.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>

/* The leaf into which dist moves itself, since a cgroup with children must not have processes. */
#define BERTH_DELEGATION_LEAF "berth-dist"

/* Opens the root of the unified hierarchy (version 2), which is mounted at the top or, on a hybrid
 * system, at unified/. Returns -1 with the error Unsupported if there is none. The caller closes
 * it. */
int berth_delegation_open_root(GError **error);

/* Returns the cgroup of a process (0: this one) in that hierarchy, as seen by this process,
 * starting with "/". NULL: the process has ended. The caller frees it. */
char *berth_delegation_read_cgroup(pid_t pid, GError **error);

/* Opens the cgroup at such a path below root. */
int berth_delegation_open(int root, const char *path, GError **error);

/* Whether systemd, or the cgroup's owner, has marked it as delegated. */
bool berth_delegation_is_marked(int cgroup);

/* Returns the cgroup in which a process in the cgroup at path should create others: the nearest one
 * marked as delegated, but none above the process's own unit. The caller frees it. */
char *berth_delegation_find(int root, const char *path, GError **error);
