/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A plan as the set-up that a launcher carries out (bare/setup.h). */

#pragma once

#include "plan/plan.h"

/* Of the container with this id. filter: the default system call filter, if it has that one, or
 * NULL; "socket" and "state" are not used. A profile of its own is part of the set-up as it is. The
 * result is a sealed file in memory; -1 with error. */
int berth_plan_compile(const BerthPlan *plan, const char *id, const BerthFilterProgram *filter,
                       GError **error);

/* The same in memory: for tests. */
GByteArray *berth_plan_flatten(const BerthPlan *plan, const char *id,
                               const BerthFilterProgram *filter, GError **error);
