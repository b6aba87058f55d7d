/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Options of "dist run" and "dist create" about the network, and about the names that a container
 * resolves. */

#pragma once

#include "client/settings.h"

#include <systemd/sd-bus.h>

extern const DistOption dist_network_options[];
/* Those of them that a pod has, too. */
extern const DistOption dist_pod_network_options[];

/* A pod has them now: they are not the container's. */
void dist_network_options_forget(void);

/* Appends them, as entries of the options of Create. Negative errno; error is set if it is a
 * value's fault. */
int dist_append_network(sd_bus_message *call, GError **error);
