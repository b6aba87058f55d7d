/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Chooses an address of a subnet for a container. taken is a set of addresses without prefix
 * lengths. Both return the address with its prefix length, which the caller frees, or NULL with an
 * error. */

#pragma once

#include "base/subnet.h"

/* The address that was asked for: InvalidArgument if it is none for containers, InUse if it is
 * taken. */
char *berth_address_take_wanted(const BerthSubnet *subnet, const char *gateway, const char *wanted,
                                GHashTable *taken, GError **error);

/* The next free one of the network. last_numbers: network → the number that was given last. */
char *berth_address_take_next(GHashTable *last_numbers, const BerthSubnet *subnet,
                              const char *gateway, const char *network, GHashTable *taken,
                              GError **error);
