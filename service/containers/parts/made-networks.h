/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Networks that Berth itself makes: bridges with NAT, with subnets that it chooses. */

#pragma once

#include "containers/core/part.h"
#include "containers/parts/networks.h"
#include "containers/spec/network-endpoints.h"
#include "containers/spec/options.h"
#include "store/network-store.h"

extern const BerthPart berth_made_networks_part;

/* Called after a network has been created or deleted. */
typedef void (*BerthNetworkObserver)(const BerthNetwork *network, bool added, void *userdata);
void berth_networks_observe(BerthContainers *containers, BerthNetworkObserver observer,
                            void *userdata);

/* The options for creating a network. Those that are NULL or 0 are chosen. */
typedef struct {
    const char *name;
    const char *subnet, *gateway;   /* IPv4 */
    const char *subnet6, *gateway6; /* only if ipv6 is set */
    int ipv6, internal, dns;
    uint32_t mtu;
    char **labels;
} BerthNetworkOptions;

bool berth_network_create(BerthContainers *containers, const BerthNetworkOptions *options,
                          GError **error);
/* InUse while a container is in the network. user is the caller; the error names the container only
 * if the caller owns it or is root. */
bool berth_network_delete(BerthContainers *containers, const char *name, uint32_t user,
                          GError **error);

/* The network's record, which the caller frees, or NULL if Berth made no network of that name.
 * Looking up the default network creates it if necessary. */
BerthNetworkRecord *berth_network_find_made(BerthContainers *containers, const char *name);

/* Fills in the default network if the options name none and have no configuration of their own. */
void berth_network_choose(BerthContainers *containers, BerthCreateOptions *options);

/* Checks that the network exists and can provide what the endpoint asks for. */
bool berth_network_check_endpoint(BerthContainers *containers, const BerthNetworkEndpoint *endpoint,
                                  GError **error);
/* Checks that the networks in the options exist and can provide what the options ask for. */
bool berth_network_check_options(BerthContainers *containers, const BerthCreateOptions *options,
                                 GError **error);

/* The network of a container for which none is specified, or NULL if there is none. The built-in
 * default network counts only if netavark or CNI's bridge is installed. */
const char *berth_network_get_default(BerthContainers *containers);
/* Creates the default network if it does not exist yet, so that it appears in lists. */
void berth_network_make_default(BerthContainers *containers);
