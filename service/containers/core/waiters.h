/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Replies to the callers of berth_container_wait(). */

#pragma once

#include "containers/core/object.h"

/* Passes the status to everyone who waits for the end of the process. */
void berth_process_answer_waiters(BerthProcess *process);
/* Passes the error to them instead, since the process will never end. */
void berth_process_fail_waiters(BerthProcess *process, const GError *error);
