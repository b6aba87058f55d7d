/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Exit statuses of processes that are nobody's children here, on kernels whose pidfds do not tell
 * them (before Linux 6.15): the kernel tells of every end through the process events connector
 * (Documentation/driver-api/connector.rst, linux/cn_proc.h), of which a socket filter lets through
 * those that are waited for. It does so in the initial namespaces alone; elsewhere nothing comes.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>

typedef struct BerthExits BerthExits;

/* NULL where it is not needed, or not to be had. */
BerthExits *berth_exits_new(void);
void berth_exits_free(BerthExits *exits);

/* exits may be NULL. What a process that is watched ended with is remembered until it is not. */
void berth_exits_watch(BerthExits *exits, pid_t pid);
void berth_exits_unwatch(BerthExits *exits, pid_t pid);

/* For one that has ended: the kernel wakes who waits for the end a moment before it tells of it. */
bool berth_exits_get(BerthExits *exits, pid_t pid, int *status);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthExits, berth_exits_free)
