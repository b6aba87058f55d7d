/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection to the system bus. */

#pragma once

#include "base/error.h"

#include <systemd/sd-bus.h>

/* Connects to the system bus; all descriptors in received messages are in envelopes
 * (bare/envelope.h). *socket is the connection's socket, which the caller owns and must shut down
 * at the end, since berth-relay holds it as well. */
bool berth_bus_open_system(sd_bus **bus, int *socket, GError **error);
