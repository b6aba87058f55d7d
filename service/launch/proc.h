/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files of /proc in a root that others have arranged. */

#pragma once

/* Opens /proc/PATH for writing, only if every part of it is the kernel's own: /proc is the root of
 * a proc file system, nothing is mounted below it on the way, and no magic link is followed.
 * Returns -1 with errno; EXDEV: it is not. */
int berth_proc_open(const char *path);
