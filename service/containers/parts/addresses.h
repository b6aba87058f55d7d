/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Addresses of containers in networks that Berth made. A container has its addresses from the start
 * until it was disconnected, which a document in networks/ stands for: ID.next, a request that
 * berth-network is to carry out (network/request.h), or ID.json, what it did. Both survive the
 * service, so that no address is given twice.
 */

#pragma once

#include "containers/core/object.h"
#include "store/network-store.h"

typedef struct BerthAddresses BerthAddresses;

/* directory: networks/; the caller's. Takes what its documents say. */
BerthAddresses *berth_addresses_new(int directory);
void berth_addresses_free(BerthAddresses *addresses);

/* Gives the container its place in the network, and writes the request. InUse if an address or a
 * name that it asks for is another's; LimitExceeded if the network has no free address, or the
 * owner as many there as a user may have. */
bool berth_addresses_take(BerthAddresses *addresses, const BerthContainer *container,
                          const BerthNetworkRecord *network, GError **error);
/* Takes back a request that was not carried out. */
void berth_addresses_drop(BerthAddresses *addresses, const char *id);

/* With prefix lengths; what it has taken, NULL if nothing. */
char *const *berth_addresses_get(const BerthAddresses *addresses, const char *id);
