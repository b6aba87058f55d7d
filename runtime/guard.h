/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process that outlives a killed monitor by one call. */

#pragma once

#include "base/error.h"

/* Starts the guard of this process, whose end kills a process of a container unless the guard is
 * dismissed before. Returns the descriptor that tells it so, -1 with error. Before this process has
 * any connection or thread: the guard is a fork of it. */
int runtime_guard_start(const char *berth_id, const char *process, GError **error);
void runtime_guard_dismiss(int guard);
