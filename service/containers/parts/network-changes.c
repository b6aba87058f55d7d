/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A NetworkChange connects one container to one network, or disconnects it. It first adds the
 * endpoint to the record or removes it from there; then, if the container is running, berth-network
 * carries the change out, as a helper (helper.h). Because the record is written first, a service
 * that dies in between leaves at most the running container behind the record: berth-network
 * continues without the service, and the next start follows the record. If the change fails, it is
 * undone in the record.
 *
 * A container can have only one change at a time: the helpers of two could run in any order, and a
 * connection made after its own disconnection would remain, with nothing in the record.
 */

#include "containers/parts/network-changes.h"

#include "base/fd.h"
#include "base/log.h"
#include "containers/core/process.h"
#include "containers/core/state.h"
#include "containers/core/table.h"
#include "containers/core/unfinished.h"
#include "containers/parts/helper.h"
#include "containers/parts/made-networks.h"
#include "containers/parts/network.h"
#include "containers/parts/networks.h"
#include "containers/spec/network-mode.h"

#include <string.h>

enum { MAX_ENDPOINTS = 16 };

static const char CONNECTED[] = "connected to a network";
static const char DISCONNECTED[] = "disconnected from a network";

typedef struct {
    BerthContainers *containers;
    char *id; /* the container may be gone at the end */
    BerthNetworkEndpoint *endpoint;
    BerthContainerDone done;
    void *userdata;
} NetworkChange;

static void change_free(gpointer data) {
    NetworkChange *change = data;

    berth_network_endpoint_free(change->endpoint);
    g_free(change->id);
    g_free(change);
}

/* Takes over endpoint. network_change_finish() frees it together with the change. */
static NetworkChange *network_change_new(BerthContainer *container, BerthNetworkEndpoint *endpoint,
                                         BerthContainerDone done, void *userdata) {
    NetworkChange *change = g_new0(NetworkChange, 1);

    *change = (NetworkChange){
        .containers = container->containers,
        .id = g_strdup(container->record.id),
        .endpoint = endpoint,
        .done = done,
        .userdata = userdata,
    };
    berth_unfinished_add(container->containers, change, change_free);
    return change;
}

static void network_change_finish(NetworkChange *change, const GError *error) {
    berth_unfinished_take(change->containers, change);
    change->done(error, change->userdata);
    change_free(change);
}

static bool check_container(const BerthContainer *container, GError **error) {
    const BerthContainerRecord *record = &container->record;

    if (!berth_network_is_named(record->network))
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" was created with the network \"%s\", and cannot "
                               "change it",
                               record->id, record->network);
    if (record->state == BERTH_CONTAINER_PAUSED)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" is paused; resume it first", record->id);
    return berth_container_check_not_starting(container, error) &&
           berth_helpers_check_none(container, CONNECTED, error) &&
           berth_helpers_check_none(container, DISCONNECTED, error) &&
           berth_parts_permit(container, BERTH_ACTION_HELPER, error);
}

static bool check_endpoint(BerthContainer *container, const BerthNetworkEndpoint *endpoint,
                           GError **error) {
    const BerthContainerRecord *record = &container->record;
    g_autoptr(GPtrArray) endpoints = berth_network_endpoints_list(record);

    if (!berth_network_endpoint_check(endpoint, record->owner, error) ||
        !berth_network_check_endpoint(container->containers, endpoint, error))
        return false;
    if (berth_network_endpoints_has(record, endpoint->network))
        return berth_error_set(error, BERTH_ERROR_ALREADY_EXISTS,
                               "container \"%s\" is in the network \"%s\" already", record->id,
                               endpoint->network);
    return endpoints->len < MAX_ENDPOINTS ||
           berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                           "a container is in at most %d networks", MAX_ENDPOINTS);
}

/* Returns true if one of the container's networks leads out, and thus already has the default
 * route. */
static bool leads_out(BerthContainer *container) {
    g_autoptr(GPtrArray) endpoints = berth_network_endpoints_list(&container->record);

    for (guint i = 0; i < endpoints->len; i++) {
        const BerthNetworkEndpoint *endpoint = endpoints->pdata[i];
        g_autoptr(BerthNetworkRecord) made =
            berth_network_find_made(container->containers, endpoint->network);
        if (!made || !made->internal)
            return true;
    }
    return false;
}

static bool take_endpoint(BerthContainer *container, const BerthNetworkEndpoint *endpoint,
                          bool has_route, GError **error) {
    BerthAddresses *addresses = berth_network_get_addresses(container->containers);
    g_autoptr(BerthNetworkRecord) made =
        berth_network_find_made(container->containers, endpoint->network);

    if (made)
        return berth_addresses_take(addresses, container, endpoint, made,
                                    !made->internal && !has_route, error);
    return berth_addresses_take_none(addresses, container, endpoint, error);
}

/* Runs berth-network with a pidfd, which ensures that the pid is still the container's. */
static bool change_run_helper(BerthContainer *container, const char *mode,
                              const BerthNetworkEndpoint *endpoint, const char *activity,
                              BerthContainerDone done, NetworkChange *change, GError **error) {
    g_autofree char *key = berth_network_endpoint_make_key(container->record.id, endpoint);
    berth_autofd int program = berth_launcher_open_program("berth-network", error);
    const BerthLaunchRequest launch = {
        .program = program,
        .name = "berth-network",
        .mode = mode,
        .pid = container->record.first.pid,
        .arguments = {NULL, key},
        .input = -1,
        .output = -1,
        .error = STDERR_FILENO,
        .target = -1,
        .snapshots = container->first->pidfd,
        BERTH_LAUNCH_NO_DESCRIPTORS,
    };

    return program >= 0 && berth_helper_start(container, &launch, activity, done, change, error);
}

/* If the container has exited meanwhile, it has left all of its networks; the endpoint stays in the
 * record. */
static void change_on_connected(const GError *error, void *userdata) {
    NetworkChange *change = userdata;
    BerthContainer *container = berth_containers_find(change->containers, change->id, NULL);
    g_autofree char *key = berth_network_endpoint_make_key(change->id, change->endpoint);
    g_autoptr(GError) unwritten = NULL;

    if (error && container && berth_container_is_running(container)) {
        berth_addresses_drop(berth_network_get_addresses(change->containers), key);
        berth_network_endpoints_remove(&container->record, change->endpoint->network);
        if (!berth_container_write(container, NULL, &unwritten))
            berth_log_warning("BERTH_CONTAINER", change->id, "%s", unwritten->message);
        network_change_finish(change, error);
        return;
    }
    network_change_finish(change, NULL);
}

static bool begin_connect(BerthContainer *container, NetworkChange *change, GError **error) {
    BerthNetworkEndpoint *endpoint = change->endpoint;
    bool runs = berth_container_is_running(container);
    /* Determined before the new endpoint is in the record, which would otherwise be mistaken for
     * the one with the route. */
    bool has_route = leads_out(container);

    endpoint->first = g_str_equal(endpoint->network, container->record.network);
    if (!check_container(container, error) || !check_endpoint(container, endpoint, error) ||
        (runs && !take_endpoint(container, endpoint, has_route, error)))
        return false;
    berth_network_endpoints_add(&container->record, endpoint);
    if (!berth_container_write(container, NULL, error) ||
        (runs && !change_run_helper(container, "join", endpoint, CONNECTED, change_on_connected,
                                    change, error))) {
        g_autofree char *key = berth_network_endpoint_make_key(container->record.id, endpoint);
        berth_addresses_drop(berth_network_get_addresses(container->containers), key);
        berth_network_endpoints_remove(&container->record, endpoint->network);
        /* If this write fails as well, the record on disk keeps an endpoint that the one in memory
         * lacks, until the next write. If the service restarts before that, the endpoint is
         * connected at the next start. */
        (void)berth_container_write(container, NULL, NULL);
        return false;
    }
    return true;
}

void berth_container_connect(BerthContainer *container, BerthNetworkEndpoint *endpoint,
                             BerthContainerDone done, void *userdata) {
    NetworkChange *change = network_change_new(container, endpoint, done, userdata);
    bool runs = berth_container_is_running(container);
    g_autoptr(GError) error = NULL;

    if (!begin_connect(container, change, &error) || !runs)
        network_change_finish(change, error);
}

/* The container and its endpoint are both still there, so the caller can try again. A network that
 * was deleted meanwhile is not recorded again: the container leaves it when it ends, and could not
 * be started in it. */
static void restore_endpoint(BerthContainer *container, const BerthNetworkEndpoint *endpoint) {
    g_autoptr(GError) error = NULL;

    if (!berth_network_check_endpoint(container->containers, endpoint, NULL))
        return;
    berth_network_endpoints_add(&container->record, endpoint);
    if (!berth_container_write(container, NULL, &error))
        berth_log_warning("BERTH_CONTAINER", container->record.id, "%s", error->message);
}

/* A container that has exited meanwhile has left all of its networks. */
static void change_on_disconnected(const GError *error, void *userdata) {
    NetworkChange *change = userdata;
    BerthContainer *container = berth_containers_find(change->containers, change->id, NULL);

    if (error && container && berth_container_is_running(container)) {
        restore_endpoint(container, change->endpoint);
        network_change_finish(change, error);
        return;
    }
    network_change_finish(change, NULL);
}

static bool begin_disconnect(BerthContainer *container, NetworkChange *change, GError **error) {
    const BerthContainerRecord *record = &container->record;
    bool runs = berth_container_is_running(container);

    if (!check_container(container, error))
        return false;
    if (!change->endpoint)
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                               "container \"%s\" is not in that network", record->id);
    berth_network_endpoints_remove(&container->record, change->endpoint->network);
    if (!berth_container_write(container, NULL, error)) {
        /* The record was not written and disconnecting is refused, so the container is still in the
         * network. */
        berth_network_endpoints_add(&container->record, change->endpoint);
        return false;
    }
    if (runs && !change_run_helper(container, "leave", change->endpoint, DISCONNECTED,
                                   change_on_disconnected, change, error)) {
        restore_endpoint(container, change->endpoint);
        return false;
    }
    return true;
}

void berth_container_disconnect(BerthContainer *container, const char *network,
                                BerthContainerDone done, void *userdata) {
    NetworkChange *change = network_change_new(
        container, berth_network_endpoints_find(&container->record, network), done, userdata);
    bool runs = berth_container_is_running(container);
    g_autoptr(GError) error = NULL;

    if (!begin_disconnect(container, change, &error) || !runs)
        network_change_finish(change, error);
}
