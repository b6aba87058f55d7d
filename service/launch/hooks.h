/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hooks of the runtime configuration (config.md, POSIX-platform Hooks): programs that are notified
 * of a stage of the container's life. */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

/* Runs those of a stage one after the other, with the container's state on their standard input. A
 * hook that fails or takes too long is a fault. pid: as the hooks see it. */
bool berth_hooks_run(const BerthSetup *setup, BerthHookStage stage, const char *status, pid_t pid,
                     BerthFault *fault);

/* The hooks of a container's end follow those after its start (runtime.md, Lifecycle), also if the
 * command ends at once. A launcher that has the latter begins them before its command can run, and
 * holds that until it ends itself; one that runs the former waits for it. directory: the
 * container's. The kernel forgets it with the process, so nothing is left of one that is killed. */
void berth_hooks_begin_start(const BerthSetup *setup, int directory);
void berth_hooks_await_start(const BerthSetup *setup, int directory);
