/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Processes by descriptor: their exit status, even when another process reaps them, and systemd's
 * descriptor store, which keeps their descriptors while the service restarts.
 */

#pragma once

#include "bare/pidfd.h"
#include "base/error.h"

#include <sys/types.h>

typedef enum {
    BERTH_PIDFD_RUNNING,
    BERTH_PIDFD_UNREAPED, /* exited; its parent, another process, has yet to reap it: wait for
                           * POLLHUP */
    BERTH_PIDFD_EXITED,   /* *status is set: 0 to 255, or 128 plus the signal */
    BERTH_PIDFD_UNKNOWN,  /* exited; this kernel does not report the status */
} BerthPidfdState;

/* Returns the state of the process. Reaps it if it is a child. */
BerthPidfdState berth_pidfd_get_state(int pidfd, int *status);

/* Returns true if pidfds report the status of processes reaped by another process (Linux 6.15). */
bool berth_pidfd_reports_exits(void);

/* Converts a status of wait(2) to that of a container: 0 to 255, or 128 plus the signal. */
int berth_status_of_wait(int wait_status);

/* The inode number of the pidfd, which identifies the process until the machine reboots; 0 if the
 * kernel has no pidfs (before Linux 6.9), where all pidfds share an inode. */
uint64_t berth_pidfd_get_id(int pidfd);

/* The start time in clock ticks since boot (proc_pid_stat(5), field 22); 0 if the process is gone.
 * A pid and its start time identify a process even after pids have been reused. */
uint64_t berth_pid_get_start(pid_t pid);

/* The arguments of the process, separated by spaces; for a zombie, which has none, its name; "" if
 * the process is gone. Printable and valid UTF-8. The caller frees it. */
char *berth_pid_read_command(pid_t pid);

/* Returns true if the process is in the cgroup of a unit, or in the one at this absolute path. */
bool berth_pid_is_in_unit(pid_t pid, const char *unit);

/* Stores a descriptor with systemd (sd_notify(3)). FDPOLL=0 keeps systemd from dropping it at
 * POLLHUP: for a pidfd, that is the exit which the service must learn about after a restart. */
bool berth_fd_store_put(const char *name, int fd, GError **error);
void berth_fd_store_remove(const char *name);
