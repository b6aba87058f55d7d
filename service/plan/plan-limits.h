/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How the parts of "linux.resources" add to the limits of a plan. */

#pragma once

#include "plan/plan.h"

/* Of a CPU quota that is given without one, as in the kernel. */
enum { BERTH_PLAN_PERIOD_USEC = 100000 };

/* A property of the scope; value may be floating. */
void berth_plan_add_property(BerthPlan *plan, const char *name, GVariant *value);
void berth_plan_add_number(BerthPlan *plan, const char *name, uint64_t value);
/* text: processors or memory nodes, as "0-3,5". */
bool berth_plan_add_cpu_list(BerthPlan *plan, const char *text, const char *name, GError **error);
/* A file of the cgroup, which the launcher writes. */
void berth_plan_add_cgroup_file(BerthPlan *plan, const char *name, const char *value);

/* Whether the kernel takes this quota and period; quota: UINT64_MAX for none. */
bool berth_plan_is_quota(uint64_t quota, uint64_t period_usec);
void berth_plan_add_quota(BerthPlan *plan, uint64_t quota, uint64_t period_usec);
