/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Connecting a container to additional networks and disconnecting it from them, whether it is
 * running or not.
 */

#pragma once

#include "containers/core/part.h"
#include "containers/spec/network-endpoints.h"

/* Connects the container to an endpoint, which it keeps at its next start. done is called once.
 * Takes over the endpoint. */
void berth_container_connect(BerthContainer *container, BerthNetworkEndpoint *endpoint,
                             BerthContainerDone done, void *userdata);
/* Disconnects it from a network, with the same conditions. */
void berth_container_disconnect(BerthContainer *container, const char *network,
                                BerthContainerDone done, void *userdata);
