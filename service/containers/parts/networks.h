/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The networks that containers can join by name: those that Berth made (made-networks.h), and those
 * that an administrator has configured in /etc/cni/net.d, which is read on every request.
 * berth-network does the joining.
 */

#pragma once

#include "containers/core/object.h"
#include "store/network-store.h"

typedef struct {
    char *name;
    char *type;               /* of the first plugin: bridge, macvlan… */
    char *file;               /* its configuration file; "" if Berth made it */
    char **subnets;           /* as written in the plugins' address management */
    BerthNetworkRecord *made; /* NULL for CNI networks */
} BerthNetwork;

/* Takes over the record of a network that Berth made. */
BerthNetwork *berth_network_take_made(BerthNetworkRecord *record);

/* A list of BerthNetwork, sorted by name. */
GPtrArray *berth_networks_list(BerthContainers *containers);
void berth_network_free(gpointer network);
