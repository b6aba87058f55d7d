/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which address of a subnet a container gets: the one that was asked for, or the next one. Without
 * state of its own; the numbers that were given last are the caller's.
 *
 * Addresses are given in turn and not the lowest free one, so that one that was just released, and
 * that others may still remember, is not used at once. The turn is not kept when the service exits:
 * the next service begins with the lowest free address.
 */

#include "containers/parts/address-choice.h"

#include <sys/socket.h>

static char *address_with_prefix_length(const BerthSubnet *subnet, const char *address) {
    return g_strdup_printf("%s/%u", address, subnet->prefix);
}

char *berth_address_take_wanted(const BerthSubnet *subnet, const char *gateway, const char *wanted,
                                GHashTable *taken, GError **error) {
    g_autofree char *own = berth_subnet_get_address(subnet, 0);
    g_autofree char *last =
        subnet->family == AF_INET
            ? berth_subnet_get_address(subnet, berth_subnet_count_hosts(subnet) + 1)
            : g_strdup("");
    BerthSubnet address;

    berth_subnet_parse_address(wanted, &address);
    g_autofree char *text = berth_subnet_get_address(&address, 0);
    if (!berth_subnet_contains(subnet, &address) || g_str_equal(text, own) ||
        g_str_equal(text, last)) {
        g_autofree char *of = berth_subnet_format(subnet);
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        "%s is not an address for containers in the subnet %s", text, of);
        return NULL;
    }
    if (g_str_equal(text, gateway) || g_hash_table_contains(taken, text)) {
        berth_error_set(error, BERTH_ERROR_IN_USE, "the address %s is in use", text);
        return NULL;
    }
    return address_with_prefix_length(subnet, text);
}

/* The next free one after the last. There are more numbers than addresses that are taken, or none
 * is free. */
char *berth_address_take_next(GHashTable *last_numbers, const BerthSubnet *subnet,
                              const char *gateway, const char *network, GHashTable *taken,
                              GError **error) {
    uint32_t hosts = berth_subnet_count_hosts(subnet);
    uint32_t last = GPOINTER_TO_UINT(g_hash_table_lookup(last_numbers, network));

    /* The IPv6 address comes after the IPv4 one, and has the same number if it is free. */
    if (subnet->family == AF_INET6 && last > 0)
        last--;
    for (guint i = 0; i <= g_hash_table_size(taken) + 1 && i < hosts; i++) {
        last = last >= hosts ? 1 : last + 1;
        g_autofree char *text = berth_subnet_get_address(subnet, last);
        if (g_str_equal(text, gateway) || g_hash_table_contains(taken, text))
            continue;
        if (subnet->family == AF_INET)
            g_hash_table_replace(last_numbers, g_strdup(network), GUINT_TO_POINTER(last));
        return address_with_prefix_length(subnet, text);
    }
    berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED, "no address of the network \"%s\" is free",
                    network);
    return NULL;
}
