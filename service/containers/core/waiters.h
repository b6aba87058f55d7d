/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Answering the callers of berth_container_wait(). */

#pragma once

#include "containers/core/object.h"

/* All that wait for the end of the process receive its status. */
void berth_process_answer_waiters(BerthProcess *process);
/* They receive the error: there will be no end. */
void berth_process_fail_waiters(BerthProcess *process, const GError *error);
