/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Delegated cgroups: those below which a program other than systemd may make more (cgroups(7) and
 * systemd's CGROUP_DELEGATION). Shared by berthd, which checks the cgroup of a caller, and dist,
 * which makes room there.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>

/* The leaf into which dist moves itself: a cgroup with children may not have processes. */
#define BERTH_DELEGATION_LEAF "berth-dist"

/* The root of the unified hierarchy (version 2), which is mounted at the top or, on a hybrid
 * system, at unified/; -1: Unsupported. Owned by the caller. */
int berth_delegation_open_root(GError **error);

/* The cgroup of a process in that hierarchy, as this process sees it, from "/"; 0 is this process.
 * Caller frees; NULL: the process is gone. */
char *berth_delegation_read_cgroup(pid_t pid, GError **error);

/* Opens a cgroup below root by such a path. */
int berth_delegation_open(int root, const char *path, GError **error);

/* Whether systemd, or its owner, has marked it as delegated. */
bool berth_delegation_is_marked(int cgroup);

/* The cgroup to make others in, for a process in the cgroup at path: the nearest one that is marked
 * as delegated, but none above the process's own unit. Caller frees. */
char *berth_delegation_find(int root, const char *path, GError **error);
