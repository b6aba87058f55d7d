/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Holds the host ports of containers that run. */
extern const BerthPart berth_ports_part;

/* "[IP:]HOST:CONTAINER/PROTOCOL" of all that it publishes; freed with g_strfreev(). */
char **berth_container_list_ports(const BerthContainer *container);
