/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Shortens systemd's move of a new process into its scope's cgroup, the longest step of a start.
 * Used by the service and, before that is called, by dist.
 */

#pragma once

/* Announces that a process will be moved into another cgroup within a few milliseconds; the kernel
 * is prepared for it in the meantime. Never blocks; of several calls in quick succession, one has
 * an effect. */
void berth_cgroup_expect_move(void);
