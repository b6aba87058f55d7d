/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Processes by descriptor: their exit status, also when another process reaps them, and systemd's
 * descriptor store, which keeps their descriptors while the service restarts.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>

typedef enum {
    BERTH_PIDFD_RUNNING,
    BERTH_PIDFD_UNREAPED, /* exited; its parent, another process, has yet to reap it: wait for
                             POLLHUP */
    BERTH_PIDFD_EXITED,   /* *status is set: 0 to 255, or 128 plus the signal */
    BERTH_PIDFD_UNKNOWN,  /* exited; this kernel does not report the status */
} BerthPidfdState;

/* The state of the process. Reaps it if it is a child. */
BerthPidfdState berth_pidfd_get_state(int pidfd, int *status);

/* Whether it has not ended. Reaps nothing. */
bool berth_pidfd_is_running(int pidfd);

/* Whether pidfds report the status of a process that another process reaped (Linux 6.15). */
bool berth_pidfd_tells_exits(void);

/* Converts a status of wait(2) to a container's: 0 to 255, or 128 plus the signal. */
int berth_status_of_wait(int wait_status);

/* The number that identifies the process until the machine is rebooted: the inode of its pidfd.
 * 0 if the kernel has no pidfs (before Linux 6.9), where all pidfds share an inode. */
uint64_t berth_pidfd_get_id(int pidfd);

/* Start time in clock ticks since boot (proc_pid_stat(5), field 22); 0 if it is gone. A pid and its
 * start time identify a process also after pids were reused. */
uint64_t berth_pid_get_start(pid_t pid);

/* Its arguments, separated by spaces; its name if it has none, as a zombie; "" if it is gone.
 * Printable, and valid UTF-8. Caller frees. */
char *berth_pid_read_command(pid_t pid);

/* Whether the process is in the cgroup of a unit, or in the one with this absolute path. */
bool berth_pid_is_in_unit(pid_t pid, const char *unit);

/* systemd's descriptor store (sd_notify(3)). FDPOLL=0 keeps systemd from dropping a descriptor at
 * POLLHUP: for a pidfd, that is the exit the service must learn of after a restart. */
bool berth_fd_store_put(const char *name, int fd, GError **error);
void berth_fd_store_remove(const char *name);
