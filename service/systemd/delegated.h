/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The cgroups of containers that are children of their caller's (Create's option Cgroup). The
 * caller's is found by its process, and used only if the caller itself could make others in it. A
 * cgroup is named by its path in the unified hierarchy, as systemd/cgroup.h takes it.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>

/* The delegated cgroup of the process that has this pid and this start time (systemd/pidfd.h):
 * FailedPrecondition if it is not delegated to the user. managed is set to the number of a cgroup
 * that a manager of root's has put the process into, and to 0 for the user's own. Caller frees. */
char *berth_delegated_find(pid_t pid, uint64_t started, uint32_t uid, uint64_t *managed,
                           GError **error);

/* Makes the cgroup name in parent, which is checked again, with these limits (a{sv}, as properties
 * of systemd's; NULL for none). managed is what berth_delegated_find() set. A descriptor of it; -1
 * with error. */
int berth_delegated_make(const char *parent, const char *name, uint32_t uid, uint64_t managed,
                         GVariant *properties, GError **error);

/* Opens the files for limits, for a helper to write to them (systemd/limit-files.h). Unsupported
 * names one that systemd alone can set, or whose controller is not there. */
GArray *berth_delegated_open_limits(const char *path, GVariant *properties, GError **error);

/* Removes it, with those below it; false if there are processes. */
bool berth_delegated_remove(const char *path);

/* The name of the unit that a path leads through last. Caller frees; "" for none. */
char *berth_delegated_get_unit(const char *path);
