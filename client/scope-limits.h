/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Options of create, run and update that limit the resources of a container's scope. */

#pragma once

#include "client/bus.h"

extern const DistOption dist_limit_options[];

/* Reads the given options, which depend on each other; called once. */
bool dist_limits_complete(GError **error);

/* Whether any of the options is given. */
bool dist_limits_are_given(void);

/* Appends them as properties, for Create and for Update. Negative errno; error is set if an option
 * is wrong. */
int dist_limits_append(sd_bus_message *call, GError **error);

/* Appends {sv} for a list of processors or memory nodes, as the bit mask that systemd takes. */
int dist_limits_append_cpus(sd_bus_message *call, const char *name, const char *text,
                            GError **error);
