/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ConnectNetwork and DisconnectNetwork, shared by the manager and the container's object, and the
 * option of Create for networks besides the first one. A pending call lasts from the handler to the
 * reply. The one thing to know: whichever way a container joins a network, containers.create
 * decides, with the network among the details.
 */

#include "bus/container-object.h"
#include "bus/options.h"
#include "bus/watchers.h"
#include "containers/parts/network-changes.h"

/* Reads the {sv}… options of an endpoint. Strings point into the message and are copied. */
static int read_endpoint_options(sd_bus_message *call, const char *network,
                                 BerthNetworkEndpoint **endpoint, sd_bus_error *error) {
    g_auto(GStrv) aliases = NULL, addresses = NULL;
    const char *mac = NULL;
    const BerthOption options[] = {
        {"Aliases", "as", &aliases},
        {"StaticAddresses", "as", &addresses},
        {"MACAddress", "s", &mac},
        {NULL, NULL, NULL},
    };
    int r = berth_options_read(call, options, error);

    if (r >= 0)
        *endpoint = berth_network_endpoint_new(network, aliases, addresses, mac);
    return r;
}

int berth_container_read_further_networks(sd_bus_message *call, void *value, sd_bus_error *error) {
    BerthCreateOptions *options = value;
    const char *network;
    int r;

    if (!options->additional_endpoints)
        options->additional_endpoints = g_ptr_array_new_with_free_func(berth_network_endpoint_free);
    if ((r = sd_bus_message_enter_container(call, 'v', "a(sa{sv})")) < 0 ||
        (r = sd_bus_message_enter_container(call, 'a', "(sa{sv})")) < 0)
        return r;
    while ((r = sd_bus_message_enter_container(call, 'r', "sa{sv}")) > 0) {
        BerthNetworkEndpoint *endpoint = NULL;
        if ((r = sd_bus_message_read(call, "s", &network)) < 0 ||
            (r = read_endpoint_options(call, network, &endpoint, error)) < 0)
            return r;
        g_ptr_array_add(options->additional_endpoints, endpoint);
        if ((r = sd_bus_message_exit_container(call)) < 0)
            return r;
    }
    if (r < 0 || (r = sd_bus_message_exit_container(call)) < 0)
        return r;
    return sd_bus_message_exit_container(call);
}

static void network_call_on_done(const GError *error, void *userdata) {
    static const char *const changed[] = {"Networks", "Addresses", NULL};

    berth_container_finish_change(error, userdata, changed);
}

/* Two checks: on the container, and then on the network, for which the row "create" asks as Create
 * does. */
int berth_container_method_connect_network(sd_bus_message *call, void *userdata,
                                           sd_bus_error *error) {
    BerthService *service = userdata;
    g_autoptr(BerthNetworkEndpoint) endpoint = NULL;
    g_autofree char *id = NULL;
    BerthContainer *container;
    const char *network;
    int r;

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = sd_bus_message_read(call, "s", &network)) < 0 ||
        (r = read_endpoint_options(call, network, &endpoint, error)) < 0)
        return r;
    r = berth_container_check_network(call, service, error, id, network, &container);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = berth_access_check(service->access, call, error, "create", "container", id, "image",
                           berth_container_get_record(container)->image, "network", network, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_container_connect(container, g_steal_pointer(&endpoint), network_call_on_done,
                            berth_pending_call_new_about(service, call, id));
    return 1;
}

int berth_container_method_disconnect_network(sd_bus_message *call, void *userdata,
                                              sd_bus_error *error) {
    BerthService *service = userdata;
    g_autofree char *id = NULL;
    BerthContainer *container;
    const char *network;
    int r;

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = sd_bus_message_read(call, "s", &network)) < 0 ||
        (r = berth_options_read_none(call, error)) < 0)
        return r;
    r = berth_container_check_network(call, service, error, id, network, &container);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_container_disconnect(container, network, network_call_on_done,
                               berth_pending_call_new_about(service, call, id));
    return 1;
}
