/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A container in each of its networks, for Inspect. It is read from the document that berth-network
 * writes while it connects the container (network/connection.c): for a network that Berth made,
 * "request" has the hardware address and the subnets; for others, the result of the CNI plugins has
 * them (CNI specification, "ADD Success"). There is no state here.
 */

#include "containers/inspect-network.h"

#include "base/document-members.h"
#include "base/document.h"
#include "containers/parts/network.h"
#include "containers/spec/network-endpoints.h"

enum { MAX_STATE_BYTES = 4 * 1024 * 1024 };

static json_object *read_connection(const BerthContainer *container,
                                    const BerthNetworkEndpoint *endpoint) {
    g_autofree char *key = berth_network_endpoint_make_key(container->record.id, endpoint);
    g_autofree char *name = g_strconcat(key, ".json", NULL);

    return berth_document_read(berth_network_get_directory(container->containers), name,
                               MAX_STATE_BYTES, NULL);
}

static const char *get_text(json_object *object, const char *member) {
    const char *text = NULL;

    return object && berth_document_get_string(object, member, &text, NULL) && text ? text : "";
}

/* Appends this member of each object in a list. */
static void append_each(json_object *to, json_object *from, const char *array, const char *member) {
    json_object *list = NULL;

    if (from && berth_document_get_objects(from, array, &list, NULL))
        for (size_t i = 0; list && i < json_object_array_length(list); i++) {
            const char *text = get_text(json_object_array_get_idx(list, i), member);
            if (text[0])
                berth_document_append_string(to, text);
        }
}

/* Plugins also list interfaces of the host, which are in no sandbox. */
static const char *find_hardware_address(json_object *result, const char *interface) {
    json_object *list = NULL;

    if (result && berth_document_get_objects(result, "interfaces", &list, NULL))
        for (size_t i = 0; list && i < json_object_array_length(list); i++) {
            json_object *item = json_object_array_get_idx(list, i);
            if (get_text(item, "sandbox")[0] && g_str_equal(get_text(item, "name"), interface))
                return get_text(item, "mac");
        }
    return "";
}

static void add_endpoint(json_object *item, const BerthContainer *container,
                         const BerthNetworkEndpoint *endpoint) {
    bool runs = berth_container_is_running(container);
    g_autoptr(json_object) state = runs ? read_connection(container, endpoint) : NULL;
    g_autofree char *interface = berth_container_get_interface(container, endpoint->network);
    json_object *request = NULL, *result = NULL;

    if (state) {
        berth_document_get_object(state, "request", &request, NULL);
        berth_document_get_object(state, "result", &result, NULL);
    }
    berth_document_add_string_or_empty(item, "network", endpoint->network);
    berth_document_add_string_or_empty(item, "interface", interface);
    berth_document_add_string_or_empty(item, "macAddress",
                                       request ? get_text(request, "mac")
                                               : find_hardware_address(result, interface));
    append_each(berth_document_add_array(item, "addresses"), result, "ips", "address");
    json_object *gateways = berth_document_add_array(item, "gateways");
    append_each(gateways, request, "subnets", "gateway");
    if (!request)
        append_each(gateways, result, "ips", "gateway");
}

void berth_inspect_add_endpoints(json_object *object, const BerthContainer *container) {
    json_object *list = berth_document_add_array(object, "endpoints");
    g_autoptr(GPtrArray) endpoints = berth_network_endpoints_list(&container->record);

    for (guint i = 0; i < endpoints->len; i++)
        add_endpoint(berth_document_append_object(list), container, endpoints->pdata[i]);
}
