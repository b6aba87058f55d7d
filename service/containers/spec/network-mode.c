/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The only place that compares the name of a network with the special names. Records store the
 * name. There is no state here.
 */

#include "containers/spec/network-mode.h"

#include <string.h>

#define JOINED "container:"

/* The name of a network contains no colon (base/names.h). */
const char *berth_network_get_joined(const char *network) {
    return network && g_str_has_prefix(network, JOINED) ? network + strlen(JOINED) : NULL;
}

BerthNetworkMode berth_network_parse_mode(const char *network) {
    return berth_network_get_joined(network)                         ? BERTH_NETWORK_JOINED
           : !network || !network[0] || g_str_equal(network, "none") ? BERTH_NETWORK_NONE
           : g_str_equal(network, "host")                            ? BERTH_NETWORK_HOST
                                                                     : BERTH_NETWORK_NAMED;
}

bool berth_network_is_named(const char *network) {
    return berth_network_parse_mode(network) == BERTH_NETWORK_NAMED;
}
