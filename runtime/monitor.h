/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The process that an engine watches in place of a process of a container. */

#pragma once

#include "job.h"

/* Does the job's calls, tells the result to the pipe report (-1: none, in the foreground), and
 * waits for the end of the process, whose exit status it returns. On failure it returns that of the
 * program, and sets error if there is no pipe. */
int runtime_monitor_run(const RuntimeJob *job, int report, GError **error);
