/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The default filter, compiled, by capabilities: that takes longer than everything else that berthd
 * does for a start. */

#pragma once

#include "bare/setup.h"
#include "plan/plan.h"

/* Keeps the programs in "filters" below the state directory, too, for the next start of the
 * service. Without it, or if that fails, each start of the service compiles its own. */
void berth_filter_cache_open(int state_directory);

/* The default filter, if the plan asks for it; otherwise *program is NULL. It stays until another
 * one is asked for. A profile of the plan's own is not compiled here: libseccomp can take many
 * seconds for one that is made for it, and berthd waits for nothing (seccomp/main.c). */
bool berth_filter_cache_find(const BerthPlan *plan, const BerthFilterProgram **program,
                             GError **error);
