/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The cgroups of a running container, found by its first process: figures, killing and freezing.
 * Version 2 where there is only that; where the version 1 controllers are beside it (hybrid), those
 * have the figures.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>

typedef struct {
    uint64_t memory_bytes, memory_peak_bytes, memory_max_bytes; /* UINT64_MAX: no limit */
    uint64_t cpu_usec, cpu_user_usec, cpu_system_usec;
    uint64_t tasks, tasks_max;
    uint64_t read_bytes, written_bytes;
    uint64_t received_bytes, sent_bytes; /* of its network */
    uint64_t oom_kills;
} BerthCgroupStats;

/* What is not known is 0. unit: the processes are of it, or of something below it. */
void berth_cgroup_read_stats(pid_t pid, const char *unit, BerthCgroupStats *stats);
/* That figure alone, for who needs no other: they are in many files. */
uint64_t berth_cgroup_count_oom_kills(pid_t pid, const char *unit);

/* Kills everything at once; false where the kernel cannot. */
bool berth_cgroup_kill(pid_t pid, const char *unit);
bool berth_cgroup_freeze(pid_t pid, const char *unit, bool frozen);

/* The pids of a unit's processes (of pid_t), as the host sees them. */
GArray *berth_cgroup_list_processes(pid_t pid, const char *unit);

/* A descriptor that becomes readable when the out-of-memory killer may have been there, which the
 * count then says; -1 where nothing tells. */
int berth_cgroup_watch_oom(pid_t pid, const char *unit);
