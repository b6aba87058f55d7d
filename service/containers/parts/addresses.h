/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Addresses of containers in networks that Berth made. A container has its addresses from the start
 * or from when it is connected until it was disconnected, which a document in networks/ stands for:
 * KEY.next, a request that berth-network is to carry out (network/request.h), or KEY.json, what it
 * did. Both survive the service, so that no address is given twice. KEY is that of an endpoint
 * (spec/network-endpoints.h).
 */

#pragma once

#include "containers/core/object.h"
#include "containers/spec/network-endpoints.h"
#include "store/network-store.h"

typedef struct BerthAddresses BerthAddresses;

/* directory: networks/; the caller's. Takes what its documents say. */
BerthAddresses *berth_addresses_new(int directory);
void berth_addresses_free(BerthAddresses *addresses);

/* Gives the container its endpoint in the network, and writes the request. leads_out: its default
 * route is through this network. InUse if an address or a name that it asks for is another's;
 * LimitExceeded if the network has no free address, or the owner as many there as a user may
 * have. */
bool berth_addresses_take(BerthAddresses *addresses, const BerthContainer *container,
                          const BerthNetworkEndpoint *endpoint, const BerthNetworkRecord *network,
                          bool leads_out, GError **error);
/* Writes the request for a further network of CNI's configurations, which gives the addresses. */
bool berth_addresses_take_none(BerthAddresses *addresses, const BerthContainer *container,
                               const BerthNetworkEndpoint *endpoint, GError **error);
/* Writes that the container is not in its first network any more. */
bool berth_addresses_write_left(BerthAddresses *addresses, const char *id, GError **error);
/* Takes back a request that was not carried out. */
void berth_addresses_drop(BerthAddresses *addresses, const char *key);

/* With prefix lengths; what it has taken, NULL if nothing. */
char *const *berth_addresses_get(const BerthAddresses *addresses, const char *id,
                                 const BerthNetworkEndpoint *endpoint);
/* Its interface there; "" if it has none. */
const char *berth_addresses_get_interface(const BerthAddresses *addresses, const char *id,
                                          const BerthNetworkEndpoint *endpoint);
