/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Arithmetic with subnets. There is no state: the subnets used by the host are read on each
 * call.
 */

#include "base/subnet.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ROUTES "/proc/net/route"
#define ROUTES6 "/proc/net/ipv6_route"

static unsigned get_bits(const BerthSubnet *subnet) {
    return subnet->family == AF_INET ? 32 : 128;
}

static bool get_bit(const uint8_t *bytes, unsigned i) {
    return bytes[i / 8] >> (7 - i % 8) & 1;
}

static void clear_host_bits(BerthSubnet *subnet) {
    for (unsigned i = subnet->prefix; i < get_bits(subnet); i++)
        subnet->bytes[i / 8] &= (uint8_t) ~(1u << (7 - i % 8));
}

bool berth_subnet_parse_address(const char *text, BerthSubnet *address) {
    *address = (BerthSubnet){.family = strchr(text, ':') ? AF_INET6 : AF_INET};
    address->prefix = get_bits(address);
    return inet_pton(address->family, text, address->bytes) == 1;
}

/* 10.0.0.7/24 is accepted and means 10.0.0.0/24. */
bool berth_subnet_parse(const char *text, BerthSubnet *subnet, GError **error) {
    g_auto(GStrv) parts = g_strsplit(text, "/", 2);
    guint64 prefix;

    if (!parts[0] || !parts[1] || !berth_subnet_parse_address(parts[0], subnet) ||
        !g_ascii_string_to_unsigned(parts[1], 10, 0, get_bits(subnet), &prefix, NULL))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "invalid subnet \"%.100s\": not of the form ADDRESS/PREFIX", text);
    subnet->prefix = (unsigned)prefix;
    clear_host_bits(subnet);
    return true;
}

static bool share_prefix(const BerthSubnet *a, const BerthSubnet *b, unsigned prefix) {
    if (a->family != b->family)
        return false;
    for (unsigned i = 0; i < prefix; i++)
        if (get_bit(a->bytes, i) != get_bit(b->bytes, i))
            return false;
    return true;
}

bool berth_subnet_contains(const BerthSubnet *outer, const BerthSubnet *inner) {
    return inner->prefix >= outer->prefix && share_prefix(outer, inner, outer->prefix);
}

/* Subnets overlap only if the one with the shorter prefix contains the other. */
bool berth_subnet_overlaps(const BerthSubnet *a, const BerthSubnet *b) {
    return share_prefix(a, b, MIN(a->prefix, b->prefix));
}

/* The first address is that of the subnet itself, the last one its broadcast address. */
uint32_t berth_subnet_count_hosts(const BerthSubnet *subnet) {
    unsigned bits = get_bits(subnet) - subnet->prefix;

    return bits > 31 ? UINT32_MAX : bits < 2 ? 0 : (1u << bits) - 2;
}

/* n is added to the host part: the caller keeps it below the number of hosts. */
char *berth_subnet_get_address(const BerthSubnet *subnet, uint32_t n) {
    char text[INET6_ADDRSTRLEN] = "";
    BerthSubnet address = *subnet;
    unsigned last = get_bits(subnet) / 8 - 1;

    for (unsigned i = 0; i < sizeof n; i++)
        address.bytes[last - i] |= (uint8_t)(n >> (8 * i));
    inet_ntop(address.family, address.bytes, text, sizeof text);
    return g_strdup(text);
}

char *berth_subnet_format(const BerthSubnet *subnet) {
    g_autofree char *address = berth_subnet_get_address(subnet, 0);

    return g_strdup_printf("%s/%u", address, subnet->prefix);
}

/* The prefix length is the number of leading ones in the mask. */
static BerthSubnet take_sockaddr(const struct sockaddr *address, const struct sockaddr *mask) {
    BerthSubnet subnet = {.family = address->sa_family};
    const struct sockaddr_in *v4 = (const void *)address, *mask4 = (const void *)mask;
    const struct sockaddr_in6 *v6 = (const void *)address, *mask6 = (const void *)mask;
    bool six = subnet.family == AF_INET6;
    const uint8_t *bits =
        six ? (const uint8_t *)&mask6->sin6_addr : (const uint8_t *)&mask4->sin_addr;

    memcpy(subnet.bytes, six ? (const void *)&v6->sin6_addr : (const void *)&v4->sin_addr,
           six ? 16 : 4);
    while (subnet.prefix < get_bits(&subnet) && get_bit(bits, subnet.prefix))
        subnet.prefix++;
    return subnet;
}

/* Interfaces without an address or a mask, such as packet sockets, are skipped (getifaddrs(3)). */
static void add_addressed(GArray *subnets) {
    struct ifaddrs *list = NULL;

    if (getifaddrs(&list) < 0)
        return;
    for (struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
        int family = entry->ifa_addr && entry->ifa_netmask ? entry->ifa_addr->sa_family : AF_UNSPEC;
        if (family != AF_INET && family != AF_INET6)
            continue;
        BerthSubnet own = take_sockaddr(entry->ifa_addr, entry->ifa_netmask);
        g_array_append_val(subnets, own);
    }
    freeifaddrs(list);
}

/* NULL if the file cannot be read, as when the kernel lacks the protocol. */
static char **read_lines(const char *path) {
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? g_strsplit(text, "\n", -1) : NULL;
}

/* Destination and mask are printed as integers in host byte order, just as they are in memory. A
 * default route covers everything and occupies nothing. */
static void add_routed(GArray *subnets) {
    g_auto(GStrv) lines = read_lines(ROUTES);

    for (char **line = lines; line && *line; line++) {
        unsigned destination, mask;
        if (sscanf(*line, "%*s %x %*x %*x %*d %*d %*d %x", &destination, &mask) != 2 || mask == 0)
            continue;
        BerthSubnet route = {.family = AF_INET};
        memcpy(route.bytes, &destination, sizeof destination);
        while (route.prefix < 32 && get_bit((const uint8_t *)&mask, route.prefix))
            route.prefix++;
        g_array_append_val(subnets, route);
    }
}

/* Each line begins with the destination and the prefix length, both hexadecimal. */
static void add_routed6(GArray *subnets) {
    g_auto(GStrv) lines = read_lines(ROUTES6);

    for (char **line = lines; line && *line; line++) {
        BerthSubnet route = {.family = AF_INET6};
        char destination[33];
        if (sscanf(*line, "%32[0-9a-f] %x", destination, &route.prefix) != 2 ||
            strlen(destination) != 32 || route.prefix == 0 || route.prefix > get_bits(&route))
            continue;
        for (unsigned i = 0; i < 16; i++)
            route.bytes[i] = (uint8_t)(g_ascii_xdigit_value(destination[2 * i]) << 4 |
                                       g_ascii_xdigit_value(destination[2 * i + 1]));
        g_array_append_val(subnets, route);
    }
}

GArray *berth_subnet_list_in_use(void) {
    GArray *subnets = g_array_new(FALSE, FALSE, sizeof(BerthSubnet));

    add_addressed(subnets);
    add_routed(subnets);
    add_routed6(subnets);
    return subnets;
}

bool berth_subnet_overlaps_any(const BerthSubnet *subnet, const GArray *subnets) {
    for (guint i = 0; i < subnets->len; i++)
        if (berth_subnet_overlaps(subnet, &g_array_index(subnets, BerthSubnet, i)))
            return true;
    return false;
}
