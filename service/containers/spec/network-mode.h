/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The network of a container, as Create is given it and its record keeps it. */

#pragma once

#include <glib.h>
#include <stdbool.h>

typedef enum {
    BERTH_NETWORK_NONE,  /* a network namespace with nothing but lo; also the default, NULL */
    BERTH_NETWORK_HOST,  /* the host's */
    BERTH_NETWORK_NAMED, /* one of /etc/cni/net.d, by its name */
} BerthNetworkMode;

BerthNetworkMode berth_network_parse_mode(const char *network);
bool berth_network_is_named(const char *network);
