/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The process that an engine watches in place of a container's process. */

#pragma once

#include "job.h"

/* Makes the calls of the job, reports the result to the pipe report (-1: none, in the foreground),
 * waits for the process to exit and returns its exit status. On failure it returns the runtime's
 * own status, and sets error if there is no pipe. */
int runtime_monitor_run(const RuntimeJob *job, int report, GError **error);
