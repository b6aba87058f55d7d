/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lines of proc_pid_cgroup(5), "NUMBER:CONTROLLERS:PATH", one for each hierarchy. */

#pragma once

#include <stdbool.h>

/* Both point into the text that was read. */
typedef struct {
    const char *controllers; /* "" for version 2, "name=NAME" for a hierarchy without controllers */
    const char *path;        /* begins with "/" */
} BerthCgroupLine;

/* Takes the next line off *text, which is modified: NUL bytes are written into it. Malformed lines
 * are skipped. False at the end. */
bool berth_cgroup_next_line(char **text, BerthCgroupLine *line);

/* The path in the version 2 hierarchy (cgroups(7)); it points into the text, which is modified.
 * NULL if there is none. */
const char *berth_cgroup_find_unified(char *text);

/* Where a version 1 hierarchy is mounted, below /sys/fs/cgroup; NULL for version 2. */
const char *berth_cgroup_get_mount(const BerthCgroupLine *line);
