/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hooks of the runtime configuration (config.md, POSIX-platform Hooks): programs that are told of a
 * stage of the container's life. */

#pragma once

#include "plan/plan.h"

/* Runs those of a stage one after the other, with the container's state on their standard input. A
 * hook that fails or takes too long is an error. pid: as the hooks see it. */
bool berth_hooks_run(const BerthPlan *plan, BerthHookStage stage, const char *id,
                     const char *status, pid_t pid, GError **error);

/* The container's state (runtime.md, State), as they are given it. */
JsonNode *berth_hooks_build_state(const BerthPlan *plan, const char *id, const char *status,
                                  pid_t pid);
