/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection to the system bus. */

#pragma once

#include "base/error.h"

#include <systemd/sd-bus.h>

/* All descriptors of its messages are in envelopes (bare/envelope.h). socket: the connection's, to
 * be shut down at the end, since berth-relay has it, too; the caller owns it. */
bool berth_bus_open_system(sd_bus **bus, int *socket, GError **error);
