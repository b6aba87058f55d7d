/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a process ended whose container may be gone by now. */

#pragma once

#include "client/bus.h"

/* Its exit status by the service's events, "" for a container's first process. NotFound if there is
 * none. */
bool dist_find_last_exit(const char *id, const char *process, int *status, GError **error);
