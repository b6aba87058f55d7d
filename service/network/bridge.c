/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Describes a network as a list of CNI configurations. berthd chooses the addresses and passes them
 * to the plugin "static", so that no plugin stores addresses of its own, which a crash could leave
 * behind. There is no state here.
 */

#include "network/bridge.h"

#include "base/document-members.h"
#include "base/programs.h"

#include <string.h>

/* An internal network has no default route; nor has a container whose default route is through
 * another network. */
static bool add_addresses(JsonBuilder *builder, const BerthNetworkRequest *request,
                          GError **error) {
    bool leads_out = !request->no_route && !request->internal;

    json_builder_set_member_name(builder, "ipam");
    json_builder_begin_object(builder);
    berth_document_add_string(builder, "type", "static");
    json_builder_set_member_name(builder, "addresses");
    json_builder_begin_array(builder);
    for (guint i = 0; request->addresses[i]; i++) {
        const char *subnet, *gateway;
        if (!berth_network_request_get_subnet(request, i, &subnet, &gateway, error))
            return false;
        json_builder_begin_object(builder);
        berth_document_add_string(builder, "address", request->addresses[i]);
        berth_document_add_string(builder, "gateway", gateway);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    json_builder_set_member_name(builder, "routes");
    json_builder_begin_array(builder);
    for (guint i = 0; request->addresses[i] && leads_out; i++) {
        json_builder_begin_object(builder);
        berth_document_add_string(builder, "dst",
                                  strchr(request->addresses[i], ':') ? "::/0" : "0.0.0.0/0");
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return true;
}

static bool add_bridge(JsonBuilder *builder, const BerthNetworkRequest *request, GError **error) {
    json_builder_begin_object(builder);
    berth_document_add_string(builder, "type", "bridge");
    berth_document_add_string(builder, "bridge", request->bridge);
    berth_document_add_bool(builder, "isGateway", true);
    berth_document_add_bool(builder, "ipMasq", !request->internal);
    berth_document_add_bool(builder, "hairpinMode", true);
    if (request->mtu > 0) {
        berth_document_add_int(builder, "mtu", request->mtu);
    }
    json_builder_set_member_name(builder, "capabilities");
    json_builder_begin_object(builder);
    berth_document_add_bool(builder, "mac", true);
    json_builder_end_object(builder);
    if (!add_addresses(builder, request, error))
        return false;
    json_builder_end_object(builder);
    return true;
}

static void add_plugin(JsonBuilder *builder, const char *type, const char *capability) {
    g_autofree char *path = berth_cni_plugin_find(type);

    if (!path)
        return;
    json_builder_begin_object(builder);
    berth_document_add_string(builder, "type", type);
    if (capability) {
        json_builder_set_member_name(builder, "capabilities");
        json_builder_begin_object(builder);
        berth_document_add_bool(builder, capability, true);
        json_builder_end_object(builder);
    }
    json_builder_end_object(builder);
}

JsonNode *berth_bridge_make(const BerthNetworkRequest *request, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    berth_document_add_string(builder, "cniVersion", "0.4.0");
    berth_document_add_string(builder, "name", request->network);
    json_builder_set_member_name(builder, "plugins");
    json_builder_begin_array(builder);
    if (!add_bridge(builder, request, error))
        return NULL;
    add_plugin(builder, "portmap", "portMappings");
    /* Opens a firewall, including firewalld, that would not forward the network's traffic. An
     * internal network stays closed. */
    if (!request->internal)
        add_plugin(builder, "firewall", NULL);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return json_builder_get_root(builder);
}
