/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The end of a process. */

#pragma once

#include "containers/core/object.h"

/* Records that the process has ended with this status, and does everything that follows from it.
 * Frees a process that runs one of the service's own checks; any other process may be freed by one
 * of its waiters. */
void berth_process_set_exited(BerthProcess *process, int status);

/* Writes the record of an executed process together with an event ("exec-added", "exec-started",
 * "exit"). Does nothing for the service's own checks. */
bool berth_process_record(BerthProcess *process, const char *event, GError **error);
