/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a process has beside its memory: limits, priorities, its cgroup. Set from outside, as root.
 */

#pragma once

#include "plan/plan.h"

/* Limits, OOM score, scheduling; and the cgroup becomes the container's where it has a user
 * namespace, so that a system in it can make its own below. */
bool berth_attributes_set(const BerthPlan *plan, pid_t pid, GError **error);

/* What a process hands on to those that CRIU makes: its OOM score and I/O priority. */
bool berth_attributes_set_inherited(const BerthPlan *plan, pid_t pid, GError **error);

/* The cgroup alone, as a descriptor. */
bool berth_attributes_delegate(const BerthPlan *plan, int cgroup, GError **error);

/* The cgroup (version 2) of a process; -1 where it has none. */
int berth_attributes_open_cgroup(pid_t pid);

/* Puts pid into the version 1 hierarchies of another, where a machine has them. */
void berth_attributes_follow(pid_t other, pid_t pid);
