/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Lease is what one container holds in one network: an interface, addresses and names. The table
 * of leases, keyed by endpoint (spec/network-endpoints.h), is rebuilt from the documents in
 * networks/ when the service starts. A lease whose documents are gone is removed when its network
 * is next searched; until then its addresses are not assigned again, which does no harm.
 *
 * A lease records its owner, since it may outlive the container: an endpoint that has not been
 * disconnected yet counts towards the limit of the user who created it.
 */

#include "containers/parts/addresses.h"

#include "base/charge.h"
#include "base/directory.h"
#include "base/document-members.h"
#include "base/document.h"
#include "base/fd.h"
#include "containers/parts/address-choice.h"
#include "containers/spec/network-options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define IPV6_IS_DISABLED "/proc/sys/net/ipv6/conf/default/disable_ipv6"
#define FIRST_INTERFACE "eth0"

enum { MAX_STATE_BYTES = 1024 * 1024 };

typedef struct {
    uint32_t owner;
    char *network;
    char *interface; /* its name in the container */
    char **addresses, **names;
    char *mac;
} Lease;

struct BerthAddresses {
    int directory;
    GHashTable *leases; /* key → Lease */
    GHashTable *last;   /* network → the host number assigned last (address-choice.h) */
};

static void lease_free(gpointer data) {
    Lease *lease = data;

    g_free(lease->network);
    g_free(lease->interface);
    g_strfreev(lease->addresses);
    g_strfreev(lease->names);
    g_free(lease->mac);
    g_free(lease);
}

void berth_addresses_free(BerthAddresses *addresses) {
    if (!addresses)
        return;
    g_hash_table_unref(addresses->leases);
    g_hash_table_unref(addresses->last);
    g_free(addresses);
}

/* If a container was started again before its earlier connection was removed, both documents exist.
 * The request decides, since its addresses are the ones that stay. */
static bool is_superseded(const BerthAddresses *addresses, const char *name) {
    g_autofree char *next = g_strdup_printf("%.*s.next", (int)(strrchr(name, '.') - name), name);

    return g_str_has_suffix(name, ".json") &&
           faccessat(addresses->directory, next, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Before the request is carried out, the document consists of nothing else; afterwards the request
 * is a member of it. */
static void recover_lease(BerthAddresses *addresses, const char *name) {
    g_autoptr(json_object) root =
        berth_document_read(addresses->directory, name, MAX_STATE_BYTES, NULL);
    const char *dot = strrchr(name, '.'), *network = NULL, *mac = NULL, *interface = NULL;
    json_object *request = root;
    Lease *lease = g_new0(Lease, 1);
    int64_t owner = 0;

    if (request && g_str_equal(dot, ".json") &&
        !berth_document_get_object(request, "request", &request, NULL))
        request = NULL;
    if (request && berth_document_get_string(request, "network", &network, NULL) && network &&
        berth_document_get_string(request, "mac", &mac, NULL) &&
        berth_document_get_string(request, "interface", &interface, NULL) &&
        berth_document_get_int(request, "owner", &owner, NULL) &&
        berth_document_get_strings(request, "addresses", &lease->addresses, NULL) &&
        berth_document_get_strings(request, "names", &lease->names, NULL)) {
        lease->owner = (uint32_t)owner;
        lease->network = g_strdup(network);
        lease->interface = g_strdup(interface ? interface : FIRST_INTERFACE);
        lease->mac = g_strdup(mac);
        g_hash_table_replace(addresses->leases, g_strndup(name, (size_t)(dot - name)), lease);
        return;
    }
    lease_free(lease);
}

/* A document that a crash has left before its rename (base/fd.h). A berth-network that has survived
 * the service may still be writing one, which takes it far less time. */
static void remove_leftover(int directory, const char *name) {
    enum { LEFTOVER_SECONDS = 3600 };
    struct stat status;

    if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        status.st_mtime < g_get_real_time() / G_USEC_PER_SEC - LEFTOVER_SECONDS)
        (void)unlinkat(directory, name, 0);
}

BerthAddresses *berth_addresses_new(int directory) {
    BerthAddresses *addresses = g_new0(BerthAddresses, 1);
    berth_autolist DIR *list = berth_directory_list(directory);
    const char *name;

    addresses->directory = directory;
    addresses->leases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, lease_free);
    addresses->last = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    while (list && (name = berth_directory_next(list)))
        if (g_str_has_prefix(name, BERTH_FD_NEW_PREFIX))
            remove_leftover(directory, name);
        else if (name[0] != '.' &&
                 (g_str_has_suffix(name, ".json") || g_str_has_suffix(name, ".next")) &&
                 !is_superseded(addresses, name))
            recover_lease(addresses, name);
    return addresses;
}

static bool has_document(const BerthAddresses *addresses, const char *key) {
    g_autofree char *state = g_strconcat(key, ".json", NULL);
    g_autofree char *next = g_strconcat(key, ".next", NULL);

    return faccessat(addresses->directory, next, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
           faccessat(addresses->directory, state, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static const Lease *find_lease(const BerthAddresses *addresses, const char *id,
                               const BerthNetworkEndpoint *endpoint) {
    g_autofree char *key = berth_network_endpoint_make_key(id, endpoint);

    return g_hash_table_lookup(addresses->leases, key);
}

char *const *berth_addresses_get(const BerthAddresses *addresses, const char *id,
                                 const BerthNetworkEndpoint *endpoint) {
    const Lease *lease = find_lease(addresses, id, endpoint);

    return lease ? lease->addresses : NULL;
}

const char *berth_addresses_get_interface(const BerthAddresses *addresses, const char *id,
                                          const BerthNetworkEndpoint *endpoint) {
    const Lease *lease = find_lease(addresses, id, endpoint);

    return lease ? lease->interface : "";
}

/* "eth1", "eth2"…: the first name that the container does not use. "eth0" is reserved for the first
 * endpoint, which may be connected again. */
static char *choose_interface(const BerthAddresses *addresses, const char *id,
                              const BerthNetworkEndpoint *endpoint) {
    g_autofree char *prefix = g_strconcat(id, "@", NULL);
    g_autofree char *own = berth_network_endpoint_make_key(id, endpoint);

    if (endpoint->first)
        return g_strdup(FIRST_INTERFACE);
    for (unsigned i = 1;; i++) {
        g_autofree char *name = g_strdup_printf("eth%u", i);
        GHashTableIter iterator;
        gpointer key, value;
        bool taken = false;
        g_hash_table_iter_init(&iterator, addresses->leases);
        while (g_hash_table_iter_next(&iterator, &key, &value))
            taken = taken || (g_str_has_prefix(key, prefix) && !g_str_equal(key, own) &&
                              has_document(addresses, key) &&
                              g_str_equal(((const Lease *)value)->interface, name));
        if (!taken)
            return g_steal_pointer(&name);
    }
}

/* The set of everything that other containers hold in the network: addresses without prefix
 * lengths, and hardware addresses. */
static GHashTable *list_taken(BerthAddresses *addresses, const char *network, const char *except) {
    GHashTable *taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GHashTableIter iterator;
    gpointer key, value;

    g_hash_table_iter_init(&iterator, addresses->leases);
    while (g_hash_table_iter_next(&iterator, &key, &value)) {
        const Lease *lease = value;
        if (!g_str_equal(lease->network, network) || g_str_equal(key, except))
            continue;
        if (!has_document(addresses, key)) {
            g_hash_table_iter_remove(&iterator);
            continue;
        }
        for (char **address = lease->addresses; *address; address++)
            g_hash_table_add(taken, g_strndup(*address, strcspn(*address, "/")));
        if (lease->mac)
            g_hash_table_add(taken, g_strdup(lease->mac));
    }
    return taken;
}

/* Except for root, no user may take up all of a network that others use too. A container counts
 * once, with or without an IPv6 address. */
static bool check_share(const BerthAddresses *addresses, const BerthContainerRecord *record,
                        const char *network, const char *except, GError **error) {
    GHashTableIter iterator;
    gpointer key, value;
    uint64_t held = 0;

    g_hash_table_iter_init(&iterator, addresses->leases);
    while (g_hash_table_iter_next(&iterator, &key, &value)) {
        const Lease *lease = value;
        held += lease->owner == record->owner && !g_str_equal(key, except) &&
                g_str_equal(lease->network, network);
    }
    if (berth_charge_check(record->owner, BERTH_RESOURCE_ADDRESSES, held, 1, error))
        return true;
    g_prefix_error(error, "network \"%s\": ", network);
    return false;
}

/* A name may belong to several containers only if they have the same owner, as replicas of a server
 * do. */
static bool check_names(const BerthAddresses *addresses, const BerthContainer *container,
                        const char *network, char *const *names, GError **error) {
    const BerthContainers *containers = container->containers;
    GHashTableIter iterator;
    gpointer key, value;

    g_hash_table_iter_init(&iterator, addresses->leases);
    while (g_hash_table_iter_next(&iterator, &key, &value)) {
        const Lease *lease = value;
        g_autofree char *id = berth_network_endpoint_read_id(key);
        const BerthContainer *other = g_hash_table_lookup(containers->by_id, id);
        if (!other || other == container || other->record.owner == container->record.owner ||
            !g_str_equal(lease->network, network))
            continue;
        for (char *const *name = names; *name; name++)
            for (char **theirs = lease->names; *theirs; theirs++)
                if (g_ascii_strcasecmp(*name, *theirs) == 0)
                    return berth_error_set(error, BERTH_ERROR_IN_USE,
                                           "a container of another user has the name \"%s\" in "
                                           "the network \"%s\"",
                                           *name, network);
    }
    return true;
}

static const char *find_wanted(char *const *wanted, int family) {
    for (; *wanted; wanted++)
        if ((strchr(*wanted, ':') != NULL) == (family == AF_INET6))
            return *wanted;
    return NULL;
}

static bool take_address(BerthAddresses *addresses, const BerthNetworkRecord *network,
                         char *const *wanted, GHashTable *taken, int family, GPtrArray *list,
                         GError **error) {
    bool six = family == AF_INET6;
    const char *gateway = six ? network->gateway6 : network->gateway;
    const char *given = find_wanted(wanted, family);
    BerthSubnet subnet;

    if (!berth_subnet_parse(six ? network->subnet6 : network->subnet, &subnet, error))
        return false;
    char *address = given ? berth_address_take_wanted(&subnet, gateway, given, taken, error)
                          : berth_address_take_next(addresses->last, &subnet, gateway,
                                                    network->name, taken, error);
    if (address)
        g_ptr_array_add(list, address);
    return address != NULL;
}

/* If the host's kernel lacks IPv6, or it is disabled, a network only has IPv4. New interfaces, such
 * as the bridge, take the default; without IPv6 in the kernel, the file does not exist. */
static bool has_ipv6(const BerthNetworkRecord *network) {
    g_autofree char *disabled = NULL;

    return network->subnet6[0] && g_file_get_contents(IPV6_IS_DISABLED, &disabled, NULL, NULL) &&
           disabled[0] == '0';
}

/* Chosen here and not by the kernel, so that it is among those taken: with the hardware address of
 * a container of another user, a container would receive its frames. Of a single interface, and
 * locally administered (IEEE 802). */
static char *choose_hardware_address(GHashTable *taken) {
    for (;;) {
        guint32 high = g_random_int(), low = g_random_int();
        g_autofree char *address =
            g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", (high >> 8 & 0xfc) | 2, high & 0xff,
                            low >> 24, low >> 16 & 0xff, low >> 8 & 0xff, low & 0xff);
        if (!g_hash_table_contains(taken, address))
            return g_steal_pointer(&address);
    }
}

static bool take_addresses(BerthAddresses *addresses, const BerthNetworkEndpoint *endpoint,
                           const char *key, const BerthNetworkRecord *network, Lease *lease,
                           GError **error) {
    char *const *wanted = endpoint->addresses;
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GHashTable) taken = list_taken(addresses, network->name, key);

    if (find_wanted(wanted, AF_INET6) && !has_ipv6(network))
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "the network \"%s\" has no IPv6", network->name);
    if (lease->mac && g_hash_table_contains(taken, lease->mac))
        return berth_error_set(error, BERTH_ERROR_IN_USE, "the hardware address %s is in use",
                               lease->mac);
    if (!lease->mac)
        lease->mac = choose_hardware_address(taken);
    if (!take_address(addresses, network, wanted, taken, AF_INET, list, error) ||
        (has_ipv6(network) &&
         !take_address(addresses, network, wanted, taken, AF_INET6, list, error)))
        return false;
    g_ptr_array_add(list, NULL);
    g_ptr_array_set_free_func(list, NULL);
    lease->addresses = (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
    return true;
}

/* The id and the aliases. A user's container does not answer for a name that belongs to other
 * users. */
static char **list_host_names(const BerthContainerRecord *record,
                              const BerthNetworkEndpoint *endpoint) {
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    if (record->owner == 0 || !berth_network_is_others_name(record->id))
        g_ptr_array_add(names, g_ascii_strdown(record->id, -1));
    for (char **alias = endpoint->aliases; *alias; alias++)
        g_ptr_array_add(names, g_ascii_strdown(*alias, -1));
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

static void append_subnet(json_object *subnets, const char *subnet, const char *gateway) {
    json_object *item = berth_document_append_object(subnets);

    berth_document_add_string(item, "subnet", subnet);
    berth_document_add_string(item, "gateway", gateway);
}

/* network is NULL for one of CNI's configurations, whose plugins assign the addresses. */
static char *format_request(const BerthContainer *container, const BerthNetworkRecord *network,
                            const Lease *lease, bool leads_out) {
    g_auto(GStrv) servers = berth_network_options_list(&container->record, BERTH_STORED_SERVERS);
    g_autoptr(json_object) request = json_object_new_object();

    berth_document_add_int(request, "owner", lease->owner);
    berth_document_add_string(request, "network", lease->network);
    berth_document_add_string(request, "interface", lease->interface);
    if (lease->mac)
        berth_document_add_string(request, "mac", lease->mac);
    if (network) {
        berth_document_add_string(request, "bridge", network->bridge);
        berth_document_add_bool(request, "internal", network->internal);
        berth_document_add_bool(request, "noDefaultRoute", !leads_out);
        berth_document_add_bool(request, "dns", network->dns);
        berth_document_add_int(request, "mtu", network->mtu);
        json_object *subnets = berth_document_add_array(request, "subnets");
        append_subnet(subnets, network->subnet, network->gateway);
        if (has_ipv6(network))
            append_subnet(subnets, network->subnet6, network->gateway6);
    }
    berth_document_add_strings(request, "addresses", lease->addresses);
    berth_document_add_strings(request, "names", lease->names);
    berth_document_add_strings(request, "servers", servers);
    return berth_document_print(request, false);
}

static bool write_request(const BerthAddresses *addresses, const char *key, const char *text,
                          GError **error) {
    g_autofree char *name = g_strconcat(key, ".next", NULL);

    return berth_fd_replace(addresses->directory, name, text, strlen(text), 0600) ||
           berth_error_set_errno(error, errno, "write networks/%s", name);
}

static Lease *lease_new(const BerthAddresses *addresses, const BerthContainer *container,
                        const BerthNetworkEndpoint *endpoint) {
    Lease *lease = g_new0(Lease, 1);

    lease->owner = container->record.owner;
    lease->network = g_strdup(endpoint->network);
    lease->interface = choose_interface(addresses, container->record.id, endpoint);
    return lease;
}

/* Replaces the lease of an earlier start, even if that one has not been disconnected yet:
 * berth-network handles requests one after another, so the earlier addresses are free once it has
 * carried this one out. */
static bool lease_begin(BerthAddresses *addresses, const char *key, Lease *lease, const char *text,
                        GError **error) {
    g_hash_table_replace(addresses->leases, g_strdup(key), lease);
    if (write_request(addresses, key, text, error))
        return true;
    g_hash_table_remove(addresses->leases, key);
    return false;
}

bool berth_addresses_take(BerthAddresses *addresses, const BerthContainer *container,
                          const BerthNetworkEndpoint *endpoint, const BerthNetworkRecord *network,
                          bool leads_out, GError **error) {
    const BerthContainerRecord *record = &container->record;
    g_autofree char *key = berth_network_endpoint_make_key(record->id, endpoint);
    Lease *lease = lease_new(addresses, container, endpoint);

    lease->mac = g_strdup(endpoint->mac);
    lease->names = list_host_names(record, endpoint);
    /* The order matters: take_addresses() also drops leases that have ended. */
    if (!take_addresses(addresses, endpoint, key, network, lease, error) ||
        !check_share(addresses, record, network->name, key, error) ||
        !check_names(addresses, container, network->name, lease->names, error)) {
        lease_free(lease);
        return false;
    }
    g_autofree char *text = format_request(container, network, lease, leads_out);
    return lease_begin(addresses, key, lease, text, error);
}

bool berth_addresses_take_none(BerthAddresses *addresses, const BerthContainer *container,
                               const BerthNetworkEndpoint *endpoint, GError **error) {
    g_autofree char *key = berth_network_endpoint_make_key(container->record.id, endpoint);
    Lease *lease = lease_new(addresses, container, endpoint);

    lease->addresses = g_new0(char *, 1);
    lease->names = g_new0(char *, 1);
    g_autofree char *text = format_request(container, NULL, lease, false);
    return lease_begin(addresses, key, lease, text, error);
}

bool berth_addresses_write_left(BerthAddresses *addresses, const char *id, GError **error) {
    return write_request(addresses, id, "{\"left\": true}", error);
}

void berth_addresses_drop(BerthAddresses *addresses, const char *key) {
    g_autofree char *name = g_strconcat(key, ".next", NULL);

    unlinkat(addresses->directory, name, 0);
}
