/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs the job of create, run, restore or exec. */

#pragma once

#include "job.h"

/* Does what is asked for. Returns once the process runs (detach, create), or has ended; the exit
 * status for this program, with error if that is of a failure. */
int runtime_run_job(const RuntimeJob *job, GError **error);
