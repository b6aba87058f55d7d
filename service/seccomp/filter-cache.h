/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The default filter, compiled, by capabilities: that takes longer than everything else that berthd
 * does for a start. */

#pragma once

#include "bare/setup.h"
#include "plan/plan.h"

/* The default filter, if the plan asks for it; otherwise *program is NULL. It stays until another
 * one is asked for. A profile of the plan's own is not compiled here: libseccomp can take many
 * seconds for one that is made for it, and berthd waits for nothing (seccomp/main.c). */
bool berth_filter_cache_find(const BerthPlan *plan, const BerthFilterProgram **program,
                             GError **error);
