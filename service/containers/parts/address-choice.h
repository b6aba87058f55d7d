/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Chooses an address of a subnet for a container. taken is a set of addresses without prefix
 * lengths. Both functions return the address with its prefix length, which the caller frees, or
 * NULL with an error.
 */

#pragma once

#include "base/subnet.h"

/* Takes the address that was asked for. InvalidArgument if it cannot be a container's address,
 * InUse if it is taken. */
char *berth_address_take_wanted(const BerthSubnet *subnet, const char *gateway, const char *wanted,
                                GHashTable *taken, GError **error);

/* Takes the next free address of the network. last_numbers maps a network to the host number
 * assigned last. */
char *berth_address_take_next(GHashTable *last_numbers, const BerthSubnet *subnet,
                              const char *gateway, const char *network, GHashTable *taken,
                              GError **error);
