/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attributes of a process: limits, priorities, its cgroup. They are set from outside, as root. */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

/* Limits, OOM score, scheduling; with a user namespace the cgroup becomes the container's as well,
 * so that a system in it can make its own below. */
bool berth_attributes_set(const BerthSetup *setup, pid_t pid, BerthFault *fault);

/* The attributes that the processes which CRIU makes inherit: OOM score and I/O priority. */
bool berth_attributes_set_inherited(const BerthSetup *setup, pid_t pid, BerthFault *fault);

/* The cgroup alone, as a descriptor. */
bool berth_attributes_delegate(const BerthSetup *setup, int cgroup, BerthFault *fault);

/* The cgroup (version 2) of a process; -1 if it has none. */
int berth_attributes_open_cgroup(pid_t pid);

/* Room for the name of a unit. */
enum { BERTH_UNIT_NAME_BYTES = 256 };

/* The system manager's unit that a process is in; "" for none. */
void berth_attributes_read_unit(pid_t pid, char name[BERTH_UNIT_NAME_BYTES]);

/* Puts pid, which was cloned into its cgroup of version 2, into those with the same path in the
 * version 1 hierarchies, or into the nearest one above that is there. */
void berth_attributes_spread(pid_t pid);

/* Puts pid into the version 1 hierarchies of another process, on a machine that has them. */
void berth_attributes_follow(pid_t other, pid_t pid);
