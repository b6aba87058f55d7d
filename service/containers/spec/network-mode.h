/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The network of a container, as given to Create and stored in its record. */

#pragma once

#include <glib.h>
#include <stdbool.h>

/* An address in Hosts that stands for one of the host's, which the container can reach. */
#define BERTH_HOST_GATEWAY "host-gateway"

typedef enum {
    BERTH_NETWORK_NONE,   /* a network namespace with only lo; also for NULL, the default */
    BERTH_NETWORK_HOST,   /* the host's network namespace */
    BERTH_NETWORK_NAMED,  /* a network by name, of Berth's or from /etc/cni/net.d */
    BERTH_NETWORK_JOINED, /* the network of another container */
} BerthNetworkMode;

BerthNetworkMode berth_network_parse_mode(const char *network);
bool berth_network_is_named(const char *network);
/* The name of the container in "container:NAME"; NULL for any other network. */
const char *berth_network_get_joined(const char *network);
