/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process that outlives a killed monitor for one call. */

#pragma once

#include "base/error.h"

/* Starts the guard of this process: when this process ends, the guard kills a process of a
 * container, unless it was dismissed before. Returns the descriptor for dismissing it, -1 with
 * error. Must be called before this process has any connection or thread, since the guard is forked
 * from it. */
int runtime_guard_start(const char *berth_id, const char *process, GError **error);
void runtime_guard_dismiss(int guard);
