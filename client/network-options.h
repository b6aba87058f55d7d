/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Options of "dist run" and "dist create" about the network and about name resolution in the
 * container.
 */

#pragma once

#include "client/settings.h"

#include <systemd/sd-bus.h>

extern const DistOption dist_network_options[];
/* Those that a pod has as well. */
extern const DistOption dist_pod_network_options[];

/* Whether --publish-all was given. */
bool dist_network_publishes_all(void);

/* Whether it joins the network of another container. */
bool dist_network_joins_container(void);

/* Discards them: they have been given to a pod and are not the container's. */
void dist_network_options_forget(void);

/* Appends them as entries of the options of Create. Negative errno; error is set if a value is
 * invalid. */
int dist_append_network(sd_bus_message *call, GError **error);
