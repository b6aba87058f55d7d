/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The networks that containers can be in by name: those that Berth made (made-networks.h), and
 * those that an administrator has written down in /etc/cni/net.d, which are read when they are
 * asked for. Joining them is berth-network's. */

#pragma once

#include "containers/core/object.h"
#include "store/network-store.h"

typedef struct {
    char *name;
    char *type;               /* of the first plugin: bridge, macvlan, … */
    char *file;               /* where it is written down; "" if Berth made it */
    char **subnets;           /* as the plugins' address management has them */
    BerthNetworkRecord *made; /* NULL for those of CNI */
} BerthNetwork;

/* Of BerthNetwork, by their names. */
GPtrArray *berth_networks_list(BerthContainers *containers);
void berth_network_free(gpointer network);
