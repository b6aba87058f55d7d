/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lines of proc_pid_cgroup(5), "NUMBER:CONTROLLERS:PATH", one for each hierarchy. */

#pragma once

#include <stdbool.h>

/* Both are in the text that was read. */
typedef struct {
    const char *controllers; /* "" for version 2, "name=NAME" for a hierarchy without any */
    const char *path;        /* from "/" */
} BerthCgroupLine;

/* Takes the next line off *text, into which it writes null bytes. Malformed lines are passed over.
 * False at the end. */
bool berth_cgroup_next_line(char **text, BerthCgroupLine *line);

/* The path in the hierarchy of version 2 (cgroups(7)), in the text, which is changed; or NULL. */
const char *berth_cgroup_find_unified(char *text);

/* Where a hierarchy of version 1 is mounted, below /sys/fs/cgroup; NULL for version 2. */
const char *berth_cgroup_get_mount(const BerthCgroupLine *line);
