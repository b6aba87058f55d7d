/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Attributes of a process: limits, priorities, its cgroup. They are set from outside the container,
 * or before it is entered, as root.
 */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

/* The process whose attributes are set. */
typedef struct {
    pid_t pid;
    int pidfd; /* -1: it is the calling process */
} BerthAttributed;

/* Sets limits, OOM score and scheduling. Fails if the process has ended: its PID may belong to
 * another one by then. */
bool berth_attributes_set(const BerthSetup *setup, const BerthAttributed *process,
                          BerthFault *fault);

/* Sets those attributes that processes created by CRIU inherit: OOM score and I/O priority. */
bool berth_attributes_set_inherited(const BerthSetup *setup, const BerthAttributed *process,
                                    BerthFault *fault);

/* Gives a cgroup, passed as a descriptor, to a container that has a user namespace, so that an init
 * system in it can create cgroups below. */
bool berth_attributes_delegate(const BerthSetup *setup, int cgroup, BerthFault *fault);

/* Opens the v2 cgroup of a process. Returns -1 with errno if it has none, or if its path is longer
 * than PATH_MAX. The caller owns the descriptor. */
int berth_attributes_open_cgroup(pid_t pid);

/* The size of a buffer for the name of a unit. */
enum { BERTH_UNIT_NAME_BYTES = 256 };

/* The system manager's unit that a process is in; "" if it is in none. */
void berth_attributes_read_unit(pid_t pid, char name[BERTH_UNIT_NAME_BYTES]);

/* pid was cloned into its v2 cgroup. Moves it into the v1 cgroups with the same path or, where
 * there is none, into the nearest one above. */
void berth_attributes_spread(pid_t pid);

/* Moves this process, which must have only one thread, into the v1 cgroups of another one, on a
 * machine that has any. Returns false with errno if those of the other one cannot
 * be read. */
bool berth_attributes_follow(pid_t other);
