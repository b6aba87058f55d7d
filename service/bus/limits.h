/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The sizes of messages from the bus: every string, array and dictionary of every method call is
 * measured before a handler, polkit or a queue gets it. The limits are those of base/limits.h; the
 * table in limits.c assigns them to arguments and options.
 */

#pragma once

#include "base/bus-error.h"

/* Checks all arguments of a call. Returns a negative errno and sets LimitExceeded, naming the
 * argument or option and its limit, if one is too large. Leaves the message positioned at its first
 * argument. */
int berth_limits_check(sd_bus_message *call, sd_bus_error *error);

/* Sets *bytes to an upper bound of the size of the rest of the message. Returns a negative errno on
 * failure. */
int berth_limits_measure(sd_bus_message *message, size_t *bytes);
