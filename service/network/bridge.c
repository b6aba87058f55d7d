/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Describes a network as a list of CNI configurations. berthd chooses the addresses and passes them
 * to the plugin "static", so that no plugin stores addresses of its own, which a crash could leave
 * behind. There is no state here.
 */

#include "network/bridge.h"

#include "base/document-members.h"
#include "base/document.h"
#include "base/programs.h"

#include <string.h>

/* An internal network has no default route; nor has a container whose default route is through
 * another network. */
static bool add_addresses(json_object *plugin, const BerthNetworkRequest *request, GError **error) {
    bool leads_out = !request->no_route && !request->internal;
    json_object *ipam = berth_document_add_object(plugin, "ipam");

    berth_document_add_string(ipam, "type", "static");
    json_object *addresses = berth_document_add_array(ipam, "addresses");
    for (guint i = 0; request->addresses[i]; i++) {
        const char *subnet, *gateway;
        if (!berth_network_request_get_subnet(request, i, &subnet, &gateway, error))
            return false;
        json_object *address = berth_document_append_object(addresses);
        berth_document_add_string(address, "address", request->addresses[i]);
        berth_document_add_string(address, "gateway", gateway);
    }
    json_object *routes = berth_document_add_array(ipam, "routes");
    for (guint i = 0; request->addresses[i] && leads_out; i++)
        berth_document_add_string(berth_document_append_object(routes), "dst",
                                  strchr(request->addresses[i], ':') ? "::/0" : "0.0.0.0/0");
    return true;
}

static bool add_bridge(json_object *plugins, const BerthNetworkRequest *request, GError **error) {
    json_object *plugin = berth_document_append_object(plugins);

    berth_document_add_string(plugin, "type", "bridge");
    berth_document_add_string(plugin, "bridge", request->bridge);
    berth_document_add_bool(plugin, "isGateway", true);
    berth_document_add_bool(plugin, "ipMasq", !request->internal);
    berth_document_add_bool(plugin, "hairpinMode", true);
    if (request->mtu > 0)
        berth_document_add_int(plugin, "mtu", request->mtu);
    berth_document_add_bool(berth_document_add_object(plugin, "capabilities"), "mac", true);
    return add_addresses(plugin, request, error);
}

static void add_plugin(json_object *plugins, const char *type, const char *capability) {
    g_autofree char *path = berth_cni_plugin_find(type);

    if (!path)
        return;
    json_object *plugin = berth_document_append_object(plugins);
    berth_document_add_string(plugin, "type", type);
    if (capability)
        berth_document_add_bool(berth_document_add_object(plugin, "capabilities"), capability,
                                true);
}

json_object *berth_bridge_make(const BerthNetworkRequest *request, GError **error) {
    g_autoptr(json_object) network = json_object_new_object();

    berth_document_add_string(network, "cniVersion", "0.4.0");
    berth_document_add_string(network, "name", request->network);
    json_object *plugins = berth_document_add_array(network, "plugins");
    if (!add_bridge(plugins, request, error))
        return NULL;
    add_plugin(plugins, "portmap", "portMappings");
    /* Opens a firewall, including firewalld, that would not forward the network's traffic. An
     * internal network stays closed. */
    if (!request->internal)
        add_plugin(plugins, "firewall", NULL);
    return g_steal_pointer(&network);
}
