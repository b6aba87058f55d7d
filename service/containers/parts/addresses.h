/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Addresses of containers in networks that Berth made. A container holds its addresses from its
 * start, or from when it is connected, until it has been disconnected. During that time a document
 * in networks/ represents them: KEY.next, a request for berth-network (network/request.h), or
 * KEY.json, what berth-network did. Both survive the service, so that no address is assigned twice.
 * KEY is the key of an endpoint (spec/network-endpoints.h).
 */

#pragma once

#include "containers/core/object.h"
#include "containers/spec/network-endpoints.h"
#include "store/network-store.h"

typedef struct BerthAddresses BerthAddresses;

/* directory is networks/, which remains the caller's. Reads its documents to find which addresses
 * are taken. */
BerthAddresses *berth_addresses_new(int directory);
void berth_addresses_free(BerthAddresses *addresses);

/* Assigns the container its endpoint in the network and writes the request. leads_out means that
 * the default route is through this network. InUse if an address or name that it asks for is taken
 * by another container; LimitExceeded if the network has no free address, or the owner already has
 * as many in it as a user may have. */
bool berth_addresses_take(BerthAddresses *addresses, const BerthContainer *container,
                          const BerthNetworkEndpoint *endpoint, const BerthNetworkRecord *network,
                          bool leads_out, GError **error);
/* Writes the request for an additional network from CNI's configurations, whose plugins assign the
 * addresses. */
bool berth_addresses_take_none(BerthAddresses *addresses, const BerthContainer *container,
                               const BerthNetworkEndpoint *endpoint, GError **error);
/* Records that the container is no longer in its first network. */
bool berth_addresses_write_left(BerthAddresses *addresses, const char *id, GError **error);
/* Withdraws a request that has not been carried out. */
void berth_addresses_drop(BerthAddresses *addresses, const char *key);

/* The addresses assigned to the endpoint, with prefix lengths; NULL if there are none. */
char *const *berth_addresses_get(const BerthAddresses *addresses, const char *id,
                                 const BerthNetworkEndpoint *endpoint);
/* The name of its interface in the network; "" if it has none. */
const char *berth_addresses_get_interface(const BerthAddresses *addresses, const char *id,
                                          const BerthNetworkEndpoint *endpoint);
