/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a configuration says of the container's cgroup that systemd has no property for: written by
 * berth-launch, once the scope is there, to files that systemd does not touch. */

#pragma once

#include "plan/plan.h"

/* cgroup: that of the scope, or -1 where there is none of version 2. Controllers are enabled where
 * they are not. */
bool berth_cgroup_files_write(const BerthPlan *plan, int cgroup, GError **error);
