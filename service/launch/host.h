/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The host's own mount namespace. */

#pragma once

#include "launch/fault.h"

#include <stdbool.h>

/* Enters the namespace. Does nothing if this process is already in it. */
bool berth_host_enter(BerthFault *fault);
/* After that, replaces a descriptor by one of the same directory as it is in the host's
 * namespace. */
bool berth_host_reopen(int fd, BerthFault *fault);
