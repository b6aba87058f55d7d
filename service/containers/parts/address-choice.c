/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Decides which address of a subnet a container gets: the one asked for, or the next one. There is
 * no state here; the caller keeps the host numbers assigned last.
 *
 * Addresses are assigned in turn, rather than always the lowest free one, so that an address that
 * was just released, and that other hosts may still remember, is not reused immediately. The
 * position is lost when the service exits; the next instance begins with the lowest free
 * address.
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

/* The next free number after the last one. The loop tries more numbers than there are taken
 * addresses, so it fails only if none is free. */
char *berth_address_take_next(GHashTable *last_numbers, const BerthSubnet *subnet,
                              const char *gateway, const char *network, GHashTable *taken,
                              GError **error) {
    uint32_t hosts = berth_subnet_count_hosts(subnet);
    uint32_t last = GPOINTER_TO_UINT(g_hash_table_lookup(last_numbers, network));

    /* The IPv6 address is chosen after the IPv4 one, and gets the same number if that is free. */
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
