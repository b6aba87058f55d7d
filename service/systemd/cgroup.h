/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The cgroups of a running container, found through its first process: statistics, killing and
 * freezing. If only cgroup version 2 is mounted, it has everything; on a hybrid system the
 * controllers of version 1 have the statistics (cgroups(7)).
 *
 * "unit" is the name of a unit, or the absolute path of a cgroup in the unified hierarchy.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>

typedef struct {
    uint64_t memory_bytes, memory_peak_bytes, memory_max_bytes; /* UINT64_MAX: no limit */
    uint64_t cpu_usec, cpu_user_usec, cpu_system_usec;
    uint64_t tasks, tasks_max;
    uint64_t read_bytes, written_bytes;
    uint64_t received_bytes, sent_bytes; /* by all interfaces but lo */
    uint64_t oom_kills;
} BerthCgroupStats;

/* Figures that are not available are 0. The processes are in unit's cgroup or below it. */
void berth_cgroup_read_stats(pid_t pid, const char *unit, BerthCgroupStats *stats);
/* oom_kills alone: reading all statistics opens a dozen files. */
uint64_t berth_cgroup_count_oom_kills(pid_t pid, const char *unit);

/* The unit's cgroup, from the root of the hierarchy that systemd manages; NULL if the process is
 * gone. Caller frees. */
char *berth_cgroup_get_path(pid_t pid, const char *unit);

/* Kills all processes at once (cgroup.kill). False if the kernel lacks it (before Linux 5.14). */
bool berth_cgroup_kill(pid_t pid, const char *unit);
bool berth_cgroup_freeze(pid_t pid, const char *unit, bool frozen);

/* Sends a signal to each process, one after the other. */
void berth_cgroup_signal(pid_t pid, const char *unit, int signal);

/* The pids of a unit's processes (of pid_t), as the host sees them. */
GArray *berth_cgroup_list_processes(pid_t pid, const char *unit);

/* A descriptor that becomes readable when the out-of-memory killer may have acted; the count says
 * whether it did. -1 if the kernel offers no notification. Owned by the caller. */
int berth_cgroup_watch_oom(pid_t pid, const char *unit);
