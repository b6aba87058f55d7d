/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The unit that a client runs in. */

#pragma once

#include "base/error.h"

#include <sys/types.h>

/* The system manager's unit of the process that has this pid and start time, for a scope to be
 * bound to; caller frees. NULL with error for a process in no unit, or in one of a user's manager.
 */
char *berth_caller_unit_find(pid_t pid, uint64_t started, GError **error);
