/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compiles a plan into the set-up that a launcher carries out (bare/setup.h). */

#pragma once

#include "plan/plan.h"

/* Compiles the plan for the container with this id. filter is the default system call filter, or
 * NULL if the container does not use it; its "socket" and "state" are ignored. A profile supplied
 * by the caller is copied into the set-up unchanged. Returns a sealed file in memory, which the
 * caller owns, or -1 with error. */
int berth_plan_compile(const BerthPlan *plan, const char *id, const BerthFilterProgram *filter,
                       GError **error);

/* The same as a byte array, for tests. */
GByteArray *berth_plan_flatten(const BerthPlan *plan, const char *id,
                               const BerthFilterProgram *filter, GError **error);
