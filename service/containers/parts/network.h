/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"
#include "containers/parts/addresses.h"

/* The networks of containers, from the service's side: joining them is berth-network's
 * (network/connection.c). */
extern const BerthPart berth_network_part;

/* networks/ of the state directory. */
int berth_network_get_directory(const BerthContainers *containers);
BerthAddresses *berth_network_get_addresses(const BerthContainers *containers);

/* Its addresses in a network, or in all (NULL), while it runs; freed with g_strfreev(). */
char **berth_container_list_addresses(const BerthContainer *container, const char *network);
/* Its interface in a network, while it runs; "" if that is not known. Caller frees. */
char *berth_container_get_interface(const BerthContainer *container, const char *network);
