/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The terminal of a container's process, from the container's own devpts. */

#pragma once

#include "launch/identity.h"

/* Opens a new terminal. The master is sent to berthd; the slave becomes the standard descriptors
 * and the controlling terminal and, with as_console, /dev/console. */
void berth_terminal_open(const BerthSetup *setup, const BerthIdentity *identity, bool as_console);
