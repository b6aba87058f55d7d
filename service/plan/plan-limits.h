/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Used by the parts of "linux.resources" to add limits to a plan. */

#pragma once

#include "plan/plan.h"

/* The period of a CPU quota that is given without one, as in the kernel. */
enum { BERTH_PLAN_PERIOD_USEC = 100000 };

/* Adds a property of the scope; value may be floating. */
void berth_plan_add_property(BerthPlan *plan, const char *name, GVariant *value);
void berth_plan_add_number(BerthPlan *plan, const char *name, uint64_t value);
/* text lists processors or memory nodes, such as "0-3,5". */
bool berth_plan_add_cpu_list(BerthPlan *plan, const char *text, const char *name, GError **error);
/* Adds a file of the cgroup for the launcher to write. */
void berth_plan_add_cgroup_file(BerthPlan *plan, const char *name, const char *value);

/* Returns true if the kernel accepts this quota and period. A quota of UINT64_MAX means none. */
bool berth_plan_is_quota(uint64_t quota, uint64_t period_usec);
void berth_plan_add_quota(BerthPlan *plan, uint64_t quota, uint64_t period_usec);
