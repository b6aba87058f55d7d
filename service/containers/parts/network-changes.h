/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connecting a container to further networks and disconnecting it, while it runs or between two
 * runs. */

#pragma once

#include "containers/core/part.h"
#include "containers/spec/network-endpoints.h"

/* The container has the endpoint from now on, at its next start, too. done is called once. Takes
 * the endpoint. */
void berth_container_connect(BerthContainer *container, BerthNetworkEndpoint *endpoint,
                             BerthContainerDone done, void *userdata);
/* The same for leaving a network. */
void berth_container_disconnect(BerthContainer *container, const char *network,
                                BerthContainerDone done, void *userdata);
