/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The host's own mount namespace. */

#pragma once

#include "launch/fault.h"

#include <stdbool.h>

/* Goes into it; once is enough. */
bool berth_host_enter(BerthFault *fault);
/* There, makes the descriptor one of the same directory as the host's namespace has it. */
bool berth_host_reopen(int fd, BerthFault *fault);
