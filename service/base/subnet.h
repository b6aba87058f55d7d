/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Subnets such as "10.89.0.0/24" and "fd00::/64", and addresses in them. */

#pragma once

#include "base/error.h"

#include <stdint.h>

typedef struct {
    int family;        /* AF_INET or AF_INET6 */
    uint8_t bytes[16]; /* in network byte order; 4 bytes for IPv4 */
    unsigned prefix;
} BerthSubnet;

/* Clears the bits after the prefix. */
bool berth_subnet_parse(const char *text, BerthSubnet *subnet, GError **error);
/* Parses a single address: a subnet whose prefix covers all bits. */
bool berth_subnet_parse_address(const char *text, BerthSubnet *address);

/* Whether inner lies completely within outer, and whether the two have an address in common. */
bool berth_subnet_contains(const BerthSubnet *outer, const BerthSubnet *inner);
bool berth_subnet_overlaps(const BerthSubnet *a, const BerthSubnet *b);

/* Host addresses of an IPv4 subnet have the numbers from 1 to this one; for other subnets, this is
 * the largest number. */
uint32_t berth_subnet_count_hosts(const BerthSubnet *subnet);

/* Returns address number n as text. The caller frees it. */
char *berth_subnet_get_address(const BerthSubnet *subnet, uint32_t n);
/* Returns "ADDRESS/PREFIX". The caller frees it. */
char *berth_subnet_format(const BerthSubnet *subnet);

/* Returns BerthSubnets: those in which the host has an address, and those to which it has a
 * route. */
GArray *berth_subnet_list_in_use(void);
/* Whether a subnet overlaps any of these BerthSubnets. */
bool berth_subnet_overlaps_any(const BerthSubnet *subnet, const GArray *subnets);
