/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Hooks of the runtime configuration (config.md, POSIX-platform Hooks): programs that are run at
 * certain stages of a container's life.
 */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

/* Runs the hooks of a stage one after another, with the container's state on standard input. A hook
 * that fails or takes too long is a fault. pid is the container's first process as the hooks see
 * it. */
bool berth_hooks_run(const BerthSetup *setup, BerthHookStage stage, const char *status, pid_t pid,
                     BerthFault *fault);

/* The hooks at a container's end must follow the poststart hooks (runtime.md, Lifecycle), even if
 * the command ends immediately. Before its command can run, a launcher with poststart hooks
 * takes a lock, which it holds until it exits; a launcher that runs the hooks of the end waits for
 * that lock. directory is the container's. The kernel releases the lock with the process, so a
 * killed launcher leaves nothing behind. */
void berth_hooks_begin_start(const BerthSetup *setup, int directory);
void berth_hooks_await_start(const BerthSetup *setup, int directory);
