/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a caller's own runtime configuration asks for, as privileges.h has the names. */

#pragma once

#include "plan/plan.h"

/* The names of the whole configuration, and those of its process alone, which an exec may have of
 * its own. names: of char *, each once. */
void berth_spec_add_privileges(GPtrArray *names, const BerthPlan *plan, uint32_t owner);
void berth_spec_add_process_privileges(GPtrArray *names, const BerthPlan *plan);
