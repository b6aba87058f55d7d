/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* The networks of containers, from the service's side: joining them is berth-network's
 * (network/connection.c). */
extern const BerthPart berth_network_part;

/* Its addresses in its network, while it runs; freed with g_strfreev(). */
char **berth_container_list_addresses(const BerthContainer *container);
