/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The terminal of a container's process: of the container's own devpts. */

#pragma once

#include "launch/identity.h"

/* Opens a new one; the master is sent to berthd, the other end becomes the standard descriptors and
 * the controlling terminal. as_console: it is /dev/console, too. */
void berth_terminal_open(const BerthSetup *setup, const BerthIdentity *identity, bool as_console);
