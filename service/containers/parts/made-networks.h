/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Networks that Berth makes itself: bridges with NAT, for which it chooses the subnets. */

#pragma once

#include "containers/core/part.h"
#include "containers/spec/network-endpoints.h"
#include "containers/spec/options.h"
#include "store/network-store.h"

/* What Create of a network takes; what is NULL or 0 is chosen. */
typedef struct {
    const char *name;
    const char *subnet, *gateway;   /* IPv4 */
    const char *subnet6, *gateway6; /* without subnet6 one is chosen, if ipv6 */
    int ipv6, internal, dns;
    uint32_t mtu;
    char **labels;
} BerthNetworkOptions;

bool berth_network_create(BerthContainers *containers, const BerthNetworkOptions *options,
                          GError **error);
/* InUse while a container is in it. user: the caller, which learns the id only if the container is
 * its own, or if it is root. */
bool berth_network_delete(BerthContainers *containers, const char *name, uint32_t user,
                          GError **error);

/* The record, freed by the caller; NULL if Berth made no network of that name. The default network
 * is made when it is first looked for. */
BerthNetworkRecord *berth_network_find_made(BerthContainers *containers, const char *name);

/* Gives the options of a container whose creator names no network the default one, unless they
 * bring a configuration of their own. */
void berth_network_choose(BerthContainers *containers, BerthCreateOptions *options);

/* Whether the network exists, and has what the endpoint asks for. */
bool berth_network_check_endpoint(BerthContainers *containers, const BerthNetworkEndpoint *endpoint,
                                  GError **error);
/* Whether the networks of the options exist, and have what the options ask for. */
bool berth_network_check_options(BerthContainers *containers, const BerthCreateOptions *options,
                                 GError **error);

/* The network of a container whose creator names none; NULL for none. Without netavark and CNI's
 * bridge, no network that Berth makes is one. */
const char *berth_network_get_default(BerthContainers *containers);
/* Makes it if it is to be made, so that lists have it. */
void berth_network_make_default(BerthContainers *containers);
