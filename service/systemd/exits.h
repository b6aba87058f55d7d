/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Exit statuses of processes that are not children of the service, on kernels whose pidfds do not
 * report them (before Linux 6.15). The kernel announces every exit through the process events
 * connector (Documentation/driver-api/connector.rst, linux/cn_proc.h); a socket filter passes only
 * those of watched processes. Events arrive only in the initial namespaces; elsewhere the status of
 * such a process stays unknown.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>

typedef struct BerthExits BerthExits;

/* NULL if pidfds report exits, or if the connector cannot be opened. */
BerthExits *berth_exits_new(void);
void berth_exits_free(BerthExits *exits);

/* exits may be NULL in all of these functions. The status of a watched process is kept until it is
 * unwatched. */
void berth_exits_watch(BerthExits *exits, pid_t pid);
void berth_exits_unwatch(BerthExits *exits, pid_t pid);

/* Returns the status of a process that has ended. Waits up to 20 ms, because the kernel wakes the
 * waiters on a pidfd a moment before it sends the event. */
bool berth_exits_get(BerthExits *exits, pid_t pid, int *status);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthExits, berth_exits_free)
