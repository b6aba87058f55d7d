/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs a job of create, run, restore or exec. */

#pragma once

#include "job.h"

/* Returns once the process runs (detach, create) or has exited: the exit status for this program,
 * with error set on failure. */
int runtime_run_job(const RuntimeJob *job, GError **error);
