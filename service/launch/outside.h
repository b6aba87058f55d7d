/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The outer process of a launch: it keeps the host's rights, and ends when the command runs. */

#pragma once

#include "launch/inside.h"

/* Makes a container of the set-up and its first process. */
_Noreturn void berth_outside_create(BerthInside *inside);

/* Another process in the container whose first process is init, a pidfd. */
_Noreturn void berth_outside_exec(BerthInside *inside, int init);
