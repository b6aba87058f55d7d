/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hooks of the runtime configuration (config.md, POSIX-platform Hooks): programs that are told of a
 * stage of the container's life. */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

/* Runs those of a stage one after the other, with the container's state on their standard input. A
 * hook that fails or takes too long is a fault. pid: as the hooks see it. */
bool berth_hooks_run(const BerthSetup *setup, BerthHookStage stage, const char *status, pid_t pid,
                     BerthFault *fault);
