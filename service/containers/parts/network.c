/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Networks of containers. In a network that Berth made, a container gets its addresses here
 * (addresses.h). berth-network, which berth-launch runs, connects the container and writes what it
 * did to networks/ID.json in the state directory. The addresses are read from that file. When the
 * container has ended, a separate berth-network uses the same file to disconnect it. If such a file
 * exists for a container that is not running, the service missed its end, and disconnects it at the
 * next start of the service.
 */

#include "containers/parts/network.h"

#include "base/directory.h"
#include "base/document.h"
#include "base/fd.h"
#include "base/log.h"
#include "containers/core/launcher.h"
#include "containers/core/table.h"
#include "containers/parts/addresses.h"
#include "containers/parts/joined-network.h"
#include "containers/parts/made-networks.h"
#include "containers/spec/files.h"
#include "containers/spec/network-mode.h"
#include "containers/spec/network-options.h"

#include <string.h>

enum { MAX_STATE_BYTES = 4 * 1024 * 1024, MAX_HOSTNAME_BYTES = 256 };

typedef struct {
    int directory; /* networks/ of the state directory */
    BerthAddresses *addresses;
} Networks;

int berth_network_get_directory(const BerthContainers *containers) {
    return ((const Networks *)*berth_containers_slot(containers, &berth_network_part))->directory;
}

BerthAddresses *berth_network_get_addresses(const BerthContainers *containers) {
    return ((const Networks *)*berth_containers_slot(containers, &berth_network_part))->addresses;
}

/* What berth-network has done for a container; NULL if nothing. */
static json_object *read_state(BerthContainers *containers, const char *name) {
    return berth_document_read(berth_network_get_directory(containers), name, MAX_STATE_BYTES,
                               NULL);
}

/* Results contain prefix lengths, which are left out here. */
static void add_addresses(const BerthContainer *container, const BerthNetworkEndpoint *endpoint,
                          GPtrArray *list) {
    g_autofree char *key = berth_network_endpoint_make_key(container->record.id, endpoint);
    g_autofree char *name = g_strconcat(key, ".json", NULL);
    g_autoptr(json_object) state = read_state(container->containers, name);
    json_object *result = NULL, *addresses = NULL;
    const char *address;

    if (state && berth_document_get_object(state, "result", &result, NULL) && result &&
        berth_document_get_objects(result, "ips", &addresses, NULL))
        for (size_t i = 0; addresses && i < json_object_array_length(addresses); i++)
            if (berth_document_get_string(json_object_array_get_idx(addresses, i), "address",
                                          &address, NULL) &&
                address)
                g_ptr_array_add(list, g_strndup(address, strcspn(address, "/")));
}

char **berth_container_list_addresses(const BerthContainer *container, const char *network) {
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    g_autoptr(GPtrArray) endpoints = berth_network_endpoints_list(&container->record);

    for (guint i = 0; berth_container_is_running(container) && i < endpoints->len; i++) {
        const BerthNetworkEndpoint *endpoint = endpoints->pdata[i];
        if (!network || g_str_equal(endpoint->network, network))
            add_addresses(container, endpoint, list);
    }
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}

char *berth_container_get_interface(const BerthContainer *container, const char *network) {
    g_autoptr(BerthNetworkEndpoint) endpoint =
        berth_network_endpoints_find(&container->record, network);

    if (!endpoint || !berth_container_is_running(container))
        return g_strdup("");
    /* Without a lease, it is the first endpoint in a CNI network, whose plugins assigned the
     * addresses. */
    if (endpoint->first)
        return g_strdup("eth0");
    return g_strdup(berth_addresses_get_interface(
        berth_network_get_addresses(container->containers), container->record.id, endpoint));
}

/* Nobody waits for berth-network to end. If the service dies before that, the file is still there,
 * and network_swept() starts it again. */
static void disconnect_network(BerthContainers *containers, const char *id, uint32_t pid) {
    berth_autofd int pidfd = -1;
    g_autoptr(GError) error = NULL;

    if (!berth_launcher_spawn_network(containers->event, "disconnect", id, pid,
                                      berth_network_get_directory(containers), &pidfd, &error))
        berth_log_warning("BERTH_CONTAINER", id, "%s", error->message);
}

/* Handles the file of a container that may have ended while the service was away. Requests are
 * dropped: a start ends when the service does. */
static void sweep_file(BerthContainers *containers, const char *name) {
    g_autofree char *key = g_strndup(name, strlen(name) - strlen(".json"));
    g_autofree char *id = berth_network_endpoint_read_id(key);
    const BerthContainer *container = berth_containers_find(containers, id, NULL);
    g_autoptr(json_object) state = NULL;
    int64_t pid = 0;

    if (container && berth_container_is_running(container))
        return;
    /* A request that no start will carry out any more. */
    if (g_str_has_suffix(name, ".next")) {
        unlinkat(berth_network_get_directory(containers), name, 0);
        return;
    }
    /* A file that cannot be read identifies no process, so there is nothing to disconnect. */
    state = read_state(containers, name);
    if (!state || !berth_document_get_int(state, "pid", &pid, NULL))
        unlinkat(berth_network_get_directory(containers), name, 0);
    else
        disconnect_network(containers, key, (uint32_t)pid);
}

static bool network_swept(BerthContainers *containers, GError **error) {
    berth_autolist DIR *list = berth_directory_list(berth_network_get_directory(containers));
    const char *name;

    (void)error;
    while (list && (name = berth_directory_next(list)))
        if (name[0] != '.' && (g_str_has_suffix(name, ".json") || g_str_has_suffix(name, ".next")))
            sweep_file(containers, name);
    return true;
}

static void network_closed(BerthContainers *containers) {
    Networks *networks = *berth_containers_slot(containers, &berth_network_part);

    if (!networks)
        return;
    berth_addresses_free(networks->addresses);
    berth_fd_clear(&networks->directory);
    g_free(networks);
}

static bool network_opened(BerthContainers *containers, GError **error) {
    Networks *networks = g_new0(Networks, 1);

    networks->directory = -1;
    *berth_containers_slot(containers, &berth_network_part) = networks;
    if (!berth_containers_open_state(containers, "networks", &networks->directory, error))
        return false;
    networks->addresses = berth_addresses_new(networks->directory);
    return true;
}

/* The name server of a network listens on its gateway addresses. */
static void list_servers(const BerthNetworkRecord *network, char *const *addresses,
                         char *servers[3]) {
    bool six = addresses && addresses[0] && addresses[1];

    if (!network || !network->dns)
        return;
    servers[0] = network->gateway;
    servers[1] = six ? network->gateway6 : NULL;
}

/* What the endpoints have in common, for the files that name a single network. */
typedef struct {
    const char *network; /* of the first endpoint; "none" without endpoints */
    char *const *addresses;
    GPtrArray *records;              /* of those networks that Berth made */
    const BerthNetworkRecord *named; /* the first of them that has a name server; or NULL */
    char *const *named_addresses;    /* the container's addresses in it */
    bool leads_out;                  /* one of them has the default route */
} JoinedNetworks;

static void joined_clear(JoinedNetworks *joined) {
    g_clear_pointer(&joined->records, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(JoinedNetworks, joined_clear)

static const BerthNetworkRecord *get_record(const JoinedNetworks *joined, guint i) {
    return joined->records->pdata[i];
}

/* The host's name servers may have changed since the last start. */
static bool write_files(const BerthContainer *container, const JoinedNetworks *joined,
                        GError **error) {
    const BerthContainerRecord *record = &container->record;
    int directory = container->containers->directory;
    g_autofree char *path = g_strconcat(record->id, "/etc/hostname", NULL);
    berth_autofd int file = openat(directory, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char *own_servers[3] = {NULL};
    size_t size;

    /* A container with a configuration supplied by the caller has none of these files. */
    if (file < 0)
        return true;
    g_autofree char *hostname = berth_fd_read_whole(file, MAX_HOSTNAME_BYTES, &size, error);
    g_auto(GStrv) servers = berth_network_options_list(record, BERTH_STORED_SERVERS);
    g_auto(GStrv) search = berth_network_options_list(record, BERTH_STORED_SEARCH);
    g_auto(GStrv) options = berth_network_options_list(record, BERTH_STORED_RESOLVER);
    g_auto(GStrv) hosts = berth_network_options_list(record, BERTH_STORED_HOSTS);
    list_servers(joined->named, joined->named_addresses, own_servers);
    const BerthContainerFiles files = {
        .hostname = hostname ? g_strchomp(hostname) : NULL,
        .network = joined->network,
        .addresses = joined->addresses,
        .own_servers = own_servers[0] ? own_servers : NULL,
        .servers = servers,
        .search = search,
        .options = options,
        .hosts = hosts,
        .gateway = joined->records->len > 0 ? get_record(joined, 0)->gateway : NULL,
    };
    return hostname && berth_container_files_write(directory, record->id, &files, error);
}

/* The first of the networks that lead out has the default route; a CNI network sets its own. */
static bool join_endpoint(BerthContainer *container, const BerthNetworkEndpoint *endpoint,
                          JoinedNetworks *joined, GError **error) {
    BerthAddresses *addresses = berth_network_get_addresses(container->containers);
    BerthNetworkRecord *made = berth_network_find_made(container->containers, endpoint->network);

    if (!made) {
        joined->leads_out = joined->leads_out || endpoint->first;
        return endpoint->first || berth_addresses_take_none(addresses, container, endpoint, error);
    }
    g_ptr_array_add(joined->records, made);
    bool leads_out = !made->internal && !joined->leads_out;
    if (!berth_addresses_take(addresses, container, endpoint, made, leads_out, error))
        return false;
    char *const *own = berth_addresses_get(addresses, container->record.id, endpoint);
    joined->leads_out = joined->leads_out || leads_out;
    if (endpoint->first || !joined->addresses)
        joined->addresses = own;
    if (made->dns && !joined->named) {
        joined->named = made;
        joined->named_addresses = own;
    }
    return true;
}

/* Takes addresses before berth-launch runs, which finds the requests in networks/. If a later step
 * of the start fails, network_abandoned() drops them. */
static bool network_starting(BerthContainer *container, GError **error) {
    const BerthContainerRecord *record = &container->record;
    g_autoptr(GPtrArray) endpoints = berth_network_endpoints_list(record);

    if (berth_network_get_joined(record->network))
        return berth_network_copy_files(container, error);
    g_auto(JoinedNetworks) joined = {
        .network = record->network,
        .records = g_ptr_array_new_with_free_func(berth_network_record_free),
    };

    for (guint i = 0; i < endpoints->len; i++)
        if (!join_endpoint(container, endpoints->pdata[i], &joined, error))
            return false;
    if (berth_network_is_named(record->network) &&
        !berth_network_endpoints_has(record, record->network)) {
        joined.network = endpoints->len > 0
                             ? ((const BerthNetworkEndpoint *)endpoints->pdata[0])->network
                             : "none";
        if (!berth_addresses_write_left(berth_network_get_addresses(container->containers),
                                        record->id, error))
            return false;
    }
    return write_files(container, &joined, error);
}

/* Drops requests that were not carried out, either of a failed start or of an interrupted
 * connection. This includes those for endpoints that are not in the record, since the next start
 * would carry them out. An id cannot contain "@", so the prefix matches only this container. */
static void drop_requests(const BerthContainer *container) {
    const char *id = container->record.id, *name;
    int directory = berth_network_get_directory(container->containers);
    g_autofree char *prefix = g_strconcat(id, "@", NULL);
    berth_autolist DIR *list = berth_directory_list(directory);

    berth_addresses_drop(berth_network_get_addresses(container->containers), id);
    while (list && (name = berth_directory_next(list)))
        if (g_str_has_prefix(name, prefix) && g_str_has_suffix(name, ".next"))
            unlinkat(directory, name, 0);
}

/* A start that failed before the container ran may already have been connected. */
static void network_abandoned(BerthContainer *container) {
    const BerthContainerRecord *record = &container->record;

    if (!berth_network_is_named(record->network))
        return;
    drop_requests(container);
    if (record->first.pid > 0)
        disconnect_network(container->containers, record->id, record->first.pid);
}

static void network_exited(BerthContainer *container) {
    const BerthContainerRecord *record = &container->record;

    if (!berth_network_is_named(record->network))
        return;
    drop_requests(container);
    disconnect_network(container->containers, record->id, record->first.pid);
}

const BerthPart berth_network_part = {
    .name = "network",
    .permits = berth_network_permits,
    .opened = network_opened,
    .closed = network_closed,
    .swept = network_swept,
    .starting = network_starting,
    .abandoned = network_abandoned,
    .exited = network_exited,
};
