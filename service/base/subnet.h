/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Subnets as "10.89.0.0/24" and "fd00::/64", and addresses in them. */

#pragma once

#include "base/error.h"

#include <stdint.h>

typedef struct {
    int family;        /* AF_INET, AF_INET6 */
    uint8_t bytes[16]; /* in network order; of an IPv4 address 4 */
    unsigned prefix;
} BerthSubnet;

/* Bits that are not of the prefix become 0. */
bool berth_subnet_parse(const char *text, BerthSubnet *subnet, GError **error);
/* An address alone: a subnet whose prefix is all of it. */
bool berth_subnet_parse_address(const char *text, BerthSubnet *address);

/* Whether all of inner is in outer, and whether they have an address in common. */
bool berth_subnet_contains(const BerthSubnet *outer, const BerthSubnet *inner);
bool berth_subnet_overlaps(const BerthSubnet *a, const BerthSubnet *b);

/* Addresses of an IPv4 subnet that a host may have are 1 to this; of others it is the largest
 * number. */
uint32_t berth_subnet_count_hosts(const BerthSubnet *subnet);

/* Address number n of it, as text. Caller frees. */
char *berth_subnet_get_address(const BerthSubnet *subnet, uint32_t n);
/* "ADDRESS/PREFIX"; caller frees. */
char *berth_subnet_format(const BerthSubnet *subnet);

/* Of BerthSubnet: those in which the host has an address, and those to which it has a route. */
GArray *berth_subnet_list_in_use(void);
bool berth_subnet_overlaps_any(const BerthSubnet *subnet, const GArray *subnets);
