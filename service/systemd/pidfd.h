/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Processes by descriptor: their exit status, also when somebody else has reaped them, and their
 * descriptors kept by systemd while the service is away.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>

typedef enum {
    BERTH_PIDFD_RUNNING,
    BERTH_PIDFD_UNREAPED, /* ended; its parent, who is not us, has not looked yet: wait for POLLHUP
                           */
    BERTH_PIDFD_EXITED,   /* *status is known: 0 to 255, or 128 and the signal */
    BERTH_PIDFD_UNKNOWN,  /* ended, and this kernel does not tell how */
} BerthPidfdState;

/* What became of the process. Reaps it where it is a child. */
BerthPidfdState berth_pidfd_look(int pidfd, int *status);

/* Whether pidfds tell how a process ended that somebody else has reaped (Linux 6.15). */
bool berth_pidfd_tells_exits(void);

/* A wait status (wait(2)) as a container's: 0 to 255, or 128 and the signal. */
int berth_status_of_wait(int wait_status);

/* When the process began (field 22 of /proc/PID/stat); 0 where it is gone. */
uint64_t berth_pid_get_start(pid_t pid);

/* Whether the process is in the cgroup of a unit. */
bool berth_pid_is_in_unit(pid_t pid, const char *unit);

/* systemd's descriptor store. Sent with FDPOLL=0: a hang-up is what they are kept for. */
bool berth_fd_store_put(const char *name, int fd, GError **error);
void berth_fd_store_remove(const char *name);
