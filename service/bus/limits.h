/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The sizes of what comes over the bus: every string, array and dictionary of every method call is
 * measured before a handler, polkit or a queue sees it. Limits are those of base/limits.h; the
 * table that says which argument has which is in limits.c.
 */

#pragma once

#include "base/bus-error.h"

/* Negative with LimitExceeded, naming the argument or option and its limit. Leaves the message
 * where it was before its first argument. */
int berth_limits_check(sd_bus_message *call, sd_bus_error *error);

/* About how many bytes what follows in a message takes; negative errno. An upper bound. */
int berth_limits_measure(sd_bus_message *message, size_t *bytes);
