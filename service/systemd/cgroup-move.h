/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What shortens the move of a new process into its scope's cgroup, which is the longest step of a
 * start. */

#pragma once

/* A process is going to be moved into another cgroup within some milliseconds: the kernel is made
 * ready for it meanwhile. Never blocks; of calls that follow each other closely one has an effect.
 */
void berth_cgroup_expect_move(void);
