/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The end of a process. */

#pragma once

#include "containers/core/object.h"

/* The process has ended with this status, and all that follows from it. A process of the service's
 * own checks is freed by this; any other may be, by one of its waiters. */
void berth_process_set_exited(BerthProcess *process, int status);

/* Records an event of a process that was executed ("exec-added", "exec-started", "exit"), with its
 * record; nothing is recorded of the service's own checks. */
bool berth_process_record(BerthProcess *process, const char *event, GError **error);
