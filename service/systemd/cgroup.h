/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The cgroups of a running container, found through its first process: statistics, killing and
 * freezing. If only cgroup v2 is mounted, it provides everything; on a hybrid system the v1
 * controllers provide the statistics (cgroups(7)).
 *
 * "unit" is the name of a unit, or the absolute path of a cgroup in the unified hierarchy.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>

typedef struct {
    uint64_t memory_bytes, memory_peak_bytes, memory_max_bytes; /* UINT64_MAX for no limit */
    uint64_t cpu_usec, cpu_user_usec, cpu_system_usec;
    uint64_t tasks, tasks_max;
    uint64_t read_bytes, written_bytes;  /* UINT64_MAX if they are not counted */
    uint64_t received_bytes, sent_bytes; /* on all interfaces except lo */
    uint64_t oom_kills;
} BerthCgroupStats;

/* Reads all statistics; other unavailable ones are 0. The processes must be in unit's cgroup or
 * below it. */
void berth_cgroup_read_stats(pid_t pid, const char *unit, BerthCgroupStats *stats);
/* Reads only oom_kills, since reading all statistics opens a dozen files. */
uint64_t berth_cgroup_count_oom_kills(pid_t pid, const char *unit);

/* The path of the unit's cgroup, from the root of the hierarchy that systemd manages, or NULL if
 * the process is gone. The caller frees it. */
char *berth_cgroup_get_path(pid_t pid, const char *unit);

/* Kills all processes at once (cgroup.kill). Returns false if the kernel does not support it
 * (before Linux 5.14). */
bool berth_cgroup_kill(pid_t pid, const char *unit);
bool berth_cgroup_freeze(pid_t pid, const char *unit, bool frozen);
/* Reads whether it is to be frozen, through itself or a cgroup above: the kernel may still be doing
 * it. Returns false if that cannot be read. */
bool berth_cgroup_read_frozen(pid_t pid, const char *unit, bool *frozen);
/* Whether a cgroup above is frozen, such as that of the unit around it. */
bool berth_cgroup_is_frozen_above(pid_t pid, const char *unit);
/* Opens the file that the kernel modifies when the cgroup has been frozen or thawed, for an inotify
 * watch (cgroup-v2.rst, cgroup.events). The caller owns the descriptor; -1 without such a file. */
int berth_cgroup_open_events(pid_t pid, const char *unit);

/* Sends a signal to each process, one after another. */
void berth_cgroup_signal(pid_t pid, const char *unit, int signal);

/* The pids of a unit's processes (of pid_t), as the host sees them. */
GArray *berth_cgroup_list_processes(pid_t pid, const char *unit);

/* Returns a descriptor, owned by the caller, that becomes readable when the out-of-memory killer
 * may have acted; the counter shows whether it has. Returns -1 if the kernel provides no
 * notification. */
int berth_cgroup_watch_oom(pid_t pid, const char *unit);
