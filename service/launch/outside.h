/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The outer process of a launch. It keeps the host's privileges, and exits when the command
 * runs.
 */

#pragma once

#include "launch/inside.h"

/* Creates a container from the set-up, and its first process. */
_Noreturn void berth_outside_create(BerthInside *inside);

/* Creates an additional process in the container whose first process is init, a pidfd. */
_Noreturn void berth_outside_exec(BerthInside *inside, int init);
