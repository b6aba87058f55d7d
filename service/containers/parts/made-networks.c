/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Creates and removes records of networks, which berth.db holds. Nothing of a network exists on the
 * host before its first container starts or after its last one has ended: berth-network creates the
 * bridge and removes it. The one thing to know: a subnet is chosen once, such that it overlaps
 * neither with another network nor with the host's addresses and routes at that time.
 */

#include "containers/parts/made-networks.h"

#include "base/names.h"
#include "base/programs.h"
#include "base/subnet.h"
#include "containers/core/table.h"
#include "containers/spec/network-endpoints.h"
#include "containers/spec/network-options.h"

#include <net/if.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

/* The smallest MTU for IPv6 (RFC 8200, 5), and the largest that Linux allows for Ethernet. */
enum { MAX_NETWORKS = 128, MIN_MTU = 1280, MAX_MTU = 65535 };

/* An IPv4 subnet has room for at least a gateway and one container; an IPv6 subnet leaves 32 bits
 * for host numbers. */
enum { LARGEST_PREFIX = 30, SMALLEST_PREFIX = 8, LARGEST_PREFIX6 = 96 };

/* Subnets are chosen from the same range as podman's. If the host has a route that covers it, such
 * as a VPN's to 10.0.0.0/8, they come from the other private ranges (RFC 1918, 3). */
static const struct {
    const char *first;
    unsigned count; /* of subnets with the same prefix length */
} pools[] = {
    {"10.89.0.0/24", 256 * (256 - 89)},
    {"172.16.0.0/24", 256 * 16},
    {"192.168.0.0/24", 256},
};

/* "This network", loopback, link-local and multicast addresses (RFC 6890; RFC 4291, 2.4): a network
 * of these could be recorded, but no container could start in it. */
static const char *const special[] = {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3",
                                      "::/96",     "fe80::/10",   "ff00::/8"};

typedef struct {
    BerthNetworkObserver observer;
    void *observer_userdata;
} MadeNetworks;

static MadeNetworks *find_made_networks(const BerthContainers *containers) {
    return *berth_containers_slot(containers, &berth_made_networks_part);
}

void berth_networks_observe(BerthContainers *containers, BerthNetworkObserver observer,
                            void *userdata) {
    MadeNetworks *networks = find_made_networks(containers);

    networks->observer = observer;
    networks->observer_userdata = userdata;
}

/* Takes over the record. */
static void report_network(const BerthContainers *containers, BerthNetworkRecord *record,
                           bool added) {
    const MadeNetworks *networks = find_made_networks(containers);
    BerthNetwork *network = berth_network_take_made(record);

    if (networks->observer)
        networks->observer(network, added, networks->observer_userdata);
    berth_network_free(network);
}

static bool overlaps_text(const BerthSubnet *subnet, const char *text) {
    BerthSubnet other;

    return text[0] && berth_subnet_parse(text, &other, NULL) &&
           berth_subnet_overlaps(subnet, &other);
}

/* The name of a network with an overlapping subnet, or NULL if there is none. */
static const char *find_overlap(const GPtrArray *networks, const BerthSubnet *subnet) {
    for (guint i = 0; i < networks->len; i++) {
        const BerthNetwork *network = networks->pdata[i];
        for (char **text = network->subnets; *text; text++)
            if (overlaps_text(subnet, *text))
                return network->name;
    }
    return NULL;
}

/* The lowest free subnet, so that those of deleted networks are used again. */
static bool choose_subnet(const GPtrArray *networks, BerthSubnet *subnet, GError **error) {
    /* Read only once: a route as wide as 10.0.0.0/8 rules out every candidate. */
    g_autoptr(GArray) in_use = berth_subnet_list_in_use();

    for (size_t pool = 0; pool < G_N_ELEMENTS(pools); pool++) {
        berth_subnet_parse(pools[pool].first, subnet, NULL);
        for (unsigned i = 0; i < pools[pool].count; i++) {
            if (!berth_subnet_overlaps_any(subnet, in_use) && !find_overlap(networks, subnet))
                return true;
            if (++subnet->bytes[2] == 0)
                subnet->bytes[1]++;
        }
    }
    return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                           "there is no free subnet; name one for the network");
}

/* A random subnet of the unique local addresses (RFC 4193, 3.2.2). Of 2^56 there are so many that
 * it is not compared with those in use. */
static bool choose_subnet6(BerthSubnet *subnet, GError **error) {
    *subnet = (BerthSubnet){.family = AF_INET6, .bytes = {0xfd}, .prefix = 64};
    return getrandom(subnet->bytes + 1, 7, 0) == 7 ||
           berth_error_set(error, BERTH_ERROR_INTERNAL, "read random bytes");
}

static bool is_special(const BerthSubnet *subnet) {
    for (size_t i = 0; i < G_N_ELEMENTS(special); i++)
        if (overlaps_text(subnet, special[i]))
            return true;
    return false;
}

static bool read_subnet(const GPtrArray *networks, const char *text, int family,
                        BerthSubnet *subnet, GError **error) {
    unsigned smallest = family == AF_INET ? SMALLEST_PREFIX : 1;
    unsigned largest = family == AF_INET ? LARGEST_PREFIX : LARGEST_PREFIX6;
    g_autoptr(GArray) in_use = berth_subnet_list_in_use();

    if (!berth_subnet_parse(text, subnet, error))
        return false;
    if (subnet->family != family || subnet->prefix < smallest || subnet->prefix > largest)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "invalid subnet \"%s\": IPv4 takes /%d to /%d, IPv6 up to /%d", text,
                               SMALLEST_PREFIX, LARGEST_PREFIX, LARGEST_PREFIX6);
    if (is_special(subnet))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "invalid subnet \"%s\": it has addresses that are not for hosts",
                               text);
    const char *other = find_overlap(networks, subnet);
    if (other)
        return berth_error_set(error, BERTH_ERROR_IN_USE,
                               "the subnet %s overlaps that of the network \"%s\"", text, other);
    return !berth_subnet_overlaps_any(subnet, in_use) ||
           berth_error_set(error, BERTH_ERROR_IN_USE,
                           "the host has an address or a route in the subnet %s", text);
}

/* The first address of the subnet, unless the caller has specified one. That of the subnet itself
 * and, for IPv4, the broadcast address are not addresses of a host. */
static char *choose_gateway(const BerthSubnet *subnet, const char *text, GError **error) {
    g_autofree char *own = berth_subnet_get_address(subnet, 0);
    g_autofree char *last =
        subnet->family == AF_INET
            ? berth_subnet_get_address(subnet, berth_subnet_count_hosts(subnet) + 1)
            : g_strdup("");
    BerthSubnet gateway;

    if (!text)
        return berth_subnet_get_address(subnet, 1);
    if (berth_subnet_parse_address(text, &gateway) && berth_subnet_contains(subnet, &gateway)) {
        g_autofree char *address = berth_subnet_get_address(&gateway, 0);
        if (!g_str_equal(address, own) && !g_str_equal(address, last))
            return g_steal_pointer(&address);
    }
    berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                    "the gateway \"%.100s\" is not an address of the subnet", text);
    return NULL;
}

/* "berth0", "berth1"…: the first name that no network uses. A bridge of a deleted network may still
 * be there, with a container that has not left it yet, which the new network must not reach. */
static char *choose_bridge(const GPtrArray *records) {
    for (unsigned i = 0;; i++) {
        g_autofree char *name = g_strdup_printf("berth%u", i);
        bool taken = if_nametoindex(name) > 0;
        for (guint k = 0; k < records->len && !taken; k++)
            taken = g_str_equal(((const BerthNetworkRecord *)records->pdata[k])->bridge, name);
        if (!taken)
            return g_steal_pointer(&name);
    }
}

/* Options that contradict each other are refused. A gateway in a subnet that is chosen would be
 * right only by chance. */
static bool check_addresses(const BerthNetworkOptions *options, GError **error) {
    const char *six = options->subnet6 ? options->subnet6 : options->gateway6;
    const char *lone = options->gateway && !options->subnet     ? options->gateway
                       : options->gateway6 && !options->subnet6 ? options->gateway6
                                                                : NULL;

    if (!options->ipv6 && six)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the network has no IPv6, but \"%.100s\" is given for it", six);
    return !lone || berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                    "the gateway \"%.100s\" is given without its subnet", lone);
}

static bool choose_addresses(BerthNetworkRecord *record, const BerthNetworkOptions *options,
                             const GPtrArray *networks, GError **error) {
    BerthSubnet subnet, subnet6;

    if (!check_addresses(options, error) ||
        !(options->subnet ? read_subnet(networks, options->subnet, AF_INET, &subnet, error)
                          : choose_subnet(networks, &subnet, error)) ||
        !(record->gateway = choose_gateway(&subnet, options->gateway, error)))
        return false;
    record->subnet = berth_subnet_format(&subnet);
    if (!options->ipv6) {
        record->subnet6 = g_strdup("");
        record->gateway6 = g_strdup("");
        return true;
    }
    if (!(options->subnet6 ? read_subnet(networks, options->subnet6, AF_INET6, &subnet6, error)
                           : choose_subnet6(&subnet6, error)) ||
        !(record->gateway6 = choose_gateway(&subnet6, options->gateway6, error)))
        return false;
    record->subnet6 = berth_subnet_format(&subnet6);
    return true;
}

/* networks has CNI's as well: a name must not stand for two networks, of which the container would
 * join one and its user mean the other. */
static bool check_network_options(const BerthNetworkOptions *options, const GPtrArray *networks,
                                  guint count, GError **error) {
    if (!berth_name_check_network(options->name, error))
        return false;
    if (g_str_equal(options->name, "none") || g_str_equal(options->name, "host") ||
        g_str_equal(options->name, "default"))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "\"%s\" is reserved and cannot name a network", options->name);
    for (guint i = 0; i < networks->len; i++)
        if (g_str_equal(((const BerthNetwork *)networks->pdata[i])->name, options->name))
            return berth_error_set(error, BERTH_ERROR_ALREADY_EXISTS,
                                   "there is a network \"%s\" already", options->name);
    if (options->mtu != 0 && (options->mtu < MIN_MTU || options->mtu > MAX_MTU))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "invalid MTU %u: it is %d to %d", options->mtu, MIN_MTU, MAX_MTU);
    return count < MAX_NETWORKS || berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                                                   "there are %u networks; at most %d "
                                                   "are allowed",
                                                   count, MAX_NETWORKS);
}

bool berth_network_create(BerthContainers *containers, const BerthNetworkOptions *options,
                          GError **error) {
    g_autoptr(BerthNetworkRecord) record = g_new0(BerthNetworkRecord, 1);
    g_autoptr(GPtrArray) records = berth_network_store_list(containers->database, error);

    if (!records)
        return false;
    g_autoptr(GPtrArray) networks = berth_networks_list(containers);
    if (!check_network_options(options, networks, records->len, error))
        return false;
    record->name = g_strdup(options->name);
    record->bridge = choose_bridge(records);
    record->internal = options->internal;
    record->dns = options->dns;
    record->mtu = options->mtu;
    record->created_usec = (uint64_t)g_get_real_time();
    record->labels = g_strdupv(options->labels);
    if (!choose_addresses(record, options, networks, error) ||
        !berth_network_store_add(containers->database, record, error))
        return false;
    report_network(containers, g_steal_pointer(&record), true);
    return true;
}

/* A user who may manage networks is not necessarily allowed to see whose containers are in them. */
static bool refuse_used(const BerthContainerRecord *record, const char *name, uint32_t user,
                        GError **error) {
    if (user != 0 && record->owner != user)
        return berth_error_set(error, BERTH_ERROR_IN_USE,
                               "a container of another user is in the network \"%s\"", name);
    return berth_error_set(error, BERTH_ERROR_IN_USE,
                           "the network \"%s\" is in use by the container \"%s\"", name,
                           record->id);
}

/* A container that does not run counts, too: its next start would fail. */
bool berth_network_delete(BerthContainers *containers, const char *name, uint32_t user,
                          GError **error) {
    g_autoptr(BerthNetworkRecord) record =
        berth_network_store_get(containers->database, name, NULL);
    GHashTableIter iterator;
    gpointer value;

    if (!record)
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                               "there is no network \"%.100s\" that can be deleted", name);
    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthContainer *container = value;
        if (berth_network_endpoints_has(&container->record, name))
            return refuse_used(&container->record, name, user, error);
    }
    if (!berth_network_store_remove(containers->database, name, error))
        return false;
    report_network(containers, g_steal_pointer(&record), false);
    return true;
}

/* The default network is made by the first call that looks for it, so that a host on which no
 * container has one keeps no subnet. */
BerthNetworkRecord *berth_network_find_made(BerthContainers *containers, const char *name) {
    g_autoptr(GError) error = NULL;
    BerthNetworkRecord *record = berth_network_store_get(containers->database, name, NULL);
    const BerthNetworkOptions options = {.name = BERTH_DEFAULT_NETWORK, .ipv6 = true, .dns = true};

    if (record || !g_str_equal(name, BERTH_DEFAULT_NETWORK))
        return record;
    /* AlreadyExists means that the administrator has configured a network of that name for CNI. */
    if (!berth_network_create(containers, &options, &error))
        return NULL;
    return berth_network_store_get(containers->database, name, NULL);
}

/* Without a program that could set it up there is no default network, and containers start without
 * one; a network that the administrator names is one that must work. */
const char *berth_network_get_default(BerthContainers *containers) {
    const char *name = containers->images->remotes->settings->network;
    g_autofree char *netavark = berth_program_find("netavark");
    g_autofree char *bridge = berth_cni_plugin_find("bridge");

    if (g_str_equal(name, "none"))
        return NULL;
    return netavark || bridge || !g_str_equal(name, BERTH_DEFAULT_NETWORK) ? name : NULL;
}

void berth_network_make_default(BerthContainers *containers) {
    const char *name = berth_network_get_default(containers);

    if (name)
        berth_network_record_free(berth_network_find_made(containers, name));
}

void berth_network_choose(BerthContainers *containers, BerthCreateOptions *options) {
    const char *name = options->network || options->spec || options->pod
                           ? NULL
                           : berth_network_get_default(containers);

    if (!name)
        return;
    options->network = g_strdup(name);
    options->network_mode = BERTH_NETWORK_NAMED;
}

/* The files are read only if Berth has not made a network of that name. */
static bool check_exists(BerthContainers *containers, const char *name, GError **error) {
    g_autoptr(BerthNetworkRecord) made = berth_network_find_made(containers, name);
    g_autoptr(GPtrArray) networks = made ? NULL : berth_networks_list(containers);

    for (guint i = 0; networks && i < networks->len; i++)
        if (g_str_equal(((const BerthNetwork *)networks->pdata[i])->name, name))
            return true;
    return made ||
           berth_error_set(error, BERTH_ERROR_NOT_FOUND, "there is no network \"%.100s\"", name);
}

static bool is_made(BerthContainers *containers, const char *name) {
    g_autoptr(BerthNetworkRecord) made =
        berth_network_is_named(name) ? berth_network_find_made(containers, name) : NULL;

    return made;
}

static bool check_made(BerthContainers *containers, const char *name, GError **error) {
    return is_made(containers, name) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "aliases and addresses need a network that Berth made; "
                           "\"%s\" is not one",
                           name);
}

bool berth_network_check_endpoint(BerthContainers *containers, const BerthNetworkEndpoint *endpoint,
                                  GError **error) {
    bool plain = !endpoint->aliases[0] && !endpoint->addresses[0] && !endpoint->mac;

    return check_exists(containers, endpoint->network, error) &&
           (plain || check_made(containers, endpoint->network, error));
}

/* host-gateway is an address of the host in a network that Berth made; without one, the name would
 * silently be missing. On the host's network it is the loopback address (spec/files.c). */
static bool check_gateway(BerthContainers *containers, const BerthCreateOptions *options,
                          GError **error) {
    const char *given = NULL;

    for (char **host = options->hosts; host && *host && !given; host++)
        if (g_str_has_suffix(*host, ":" BERTH_HOST_GATEWAY))
            given = *host;
    if (!given || options->network_mode == BERTH_NETWORK_HOST)
        return true;
    const char *name = options->network ? options->network : "none";
    return is_made(containers, name) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "the host \"%s\" needs a network that Berth made; \"%s\" is "
                           "not one",
                           given, name);
}

bool berth_network_check_options(BerthContainers *containers, const BerthCreateOptions *options,
                                 GError **error) {
    if (options->network_mode == BERTH_NETWORK_NAMED &&
        !check_exists(containers, options->network, error))
        return false;
    for (guint i = 0; options->additional_endpoints && i < options->additional_endpoints->len; i++)
        if (!berth_network_check_endpoint(containers, options->additional_endpoints->pdata[i],
                                          error))
            return false;
    return check_gateway(containers, options, error) &&
           (!berth_network_options_need_made(options) ||
            check_made(containers, options->network ? options->network : "none", error));
}

static void made_networks_closed(BerthContainers *containers) {
    g_free(find_made_networks(containers));
}

static bool made_networks_opened(BerthContainers *containers, GError **error) {
    (void)error;
    *berth_containers_slot(containers, &berth_made_networks_part) = g_new0(MadeNetworks, 1);
    return true;
}

const BerthPart berth_made_networks_part = {
    .name = "made-networks",
    .opened = made_networks_opened,
    .closed = made_networks_closed,
};
