/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a process exited whose container may be gone. */

#pragma once

#include "client/bus.h"

/* Its exit status according to the service's events. process: "" for the container's first process.
 * NotFound if there is no such event. */
bool dist_find_last_exit(const char *id, const char *process, int *status, GError **error);
