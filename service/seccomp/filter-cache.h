/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A cache of the compiled default filter, per set of capabilities. Compiling it takes longer than
 * everything else that berthd does for a start.
 */

#pragma once

#include "bare/setup.h"
#include "plan/plan.h"

/* Also stores the programs in "filters" below the state directory, for the next start of the
 * service. If this is not called, or fails, the service compiles them again each time it starts. */
void berth_filter_cache_open(int state_directory);

/* Sets *program to the default filter if the plan asks for it, otherwise to NULL. The program stays
 * valid until the next call. A profile in the plan is not compiled here: libseccomp can take many
 * seconds for a malicious one, and berthd must not block (seccomp/main.c). */
bool berth_filter_cache_find(const BerthPlan *plan, const BerthFilterProgram **program,
                             GError **error);
