/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sets limits of a cgroup through files that berthd has opened. A separate process does this, since
 * writing a memory limit may block.
 */

#pragma once

/* Writes values to the descriptors from BERTH_FIRST_FREE_FD on, and reports the result. properties
 * and values have one entry per descriptor, separated by colons; both strings are modified. path is
 * that of the cgroup, for the report. Returns an exit status. */
int berth_limits_set(char *properties, char *values, const char *path);
