/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What shortens systemd's move of a new process into its scope's cgroup, the longest step of a
 * start. Used by the service and, before that is called, by dist. */

#pragma once

/* A process is going to be moved into another cgroup within some milliseconds: the kernel is made
 * ready for it meanwhile. Never blocks; of calls that follow each other closely one has an effect.
 */
void berth_cgroup_expect_move(void);
