/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The unit that a client runs in. */

#pragma once

#include "base/error.h"

#include <sys/types.h>

/* The system manager's unit of the process with this pid and start time, for a scope to be bound
 * to. The caller frees it. Returns NULL with error if the process is in no unit, or in a unit of a
 * user manager. */
char *berth_caller_unit_find(pid_t pid, uint64_t started, GError **error);
