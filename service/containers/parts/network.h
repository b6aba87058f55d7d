/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"
#include "containers/parts/addresses.h"

/* The networks of containers, as far as the service is concerned. berth-network joins them
 * (network/connection.c). */
extern const BerthPart berth_network_part;

/* The descriptor of networks/ in the state directory. */
int berth_network_get_directory(const BerthContainers *containers);
BerthAddresses *berth_network_get_addresses(const BerthContainers *containers);

/* Its addresses in one network, or in all for NULL, while it is running. Freed with
 * g_strfreev(). */
char **berth_container_list_addresses(const BerthContainer *container, const char *network);
/* The name of its interface in a network, while it is running; "" if unknown. The caller frees
 * it. */
char *berth_container_get_interface(const BerthContainer *container, const char *network);
