/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits of a cgroup that berthd has opened the files for: a write to one of memory may block. */

#pragma once

/* Writes values to the descriptors from BERTH_FIRST_FREE_FD on, and reports how it went; an exit
 * code. properties, values: one for each, with colons between them, which are cut. path: the
 * cgroup's, for a report. */
int berth_limits_set(char *properties, char *values, const char *path);
