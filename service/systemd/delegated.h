/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The cgroups of containers that are children of their caller's (option Cgroup of Create). The
 * caller's cgroup is found through its process, and used only if the caller itself could create
 * others in it. A cgroup is identified by its path in the unified hierarchy, as in
 * systemd/cgroup.h.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>

/* The delegated cgroup of the process with this pid and start time (systemd/pidfd.h);
 * FailedPrecondition if it is not delegated to the user. *managed is set to the id of the cgroup if
 * a manager running as root has put the process there, and to 0 if the cgroup is the user's own.
 * The caller frees the path. */
char *berth_delegated_find(pid_t pid, uint64_t started, uint32_t uid, uint64_t *managed,
                           GError **error);

/* Creates the cgroup name in parent, which is checked again, with these limits (a{sv} of systemd
 * properties; NULL for none). managed is the value from berth_delegated_find(). Returns a
 * descriptor, which the caller owns, or -1 with error. */
int berth_delegated_make_limited(const char *parent, const char *name, uint32_t uid,
                                 uint64_t managed, GVariant *properties, GError **error);

/* Opens the files for limits, for a helper to write to (systemd/limit-files.h). Unsupported names a
 * limit that only systemd can set, or whose controller is not available. */
GArray *berth_delegated_open_limits(const char *path, GVariant *properties, GError **error);

/* Removes the cgroup and those below it. Returns false if it contains processes. */
bool berth_delegated_remove(const char *path);

/* The name of the innermost unit that the path goes through, or "" for none. The caller frees
 * it. */
char *berth_delegated_get_unit(const char *path);
