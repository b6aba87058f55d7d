/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads a request from its document. Although berthd has written it, it is checked, since a file
 * may be damaged. There is no state here.
 */

#include "network/request.h"

#include "base/document.h"

void berth_network_request_clear(BerthNetworkRequest *request) {
    g_clear_pointer(&request->addresses, g_strfreev);
    g_clear_pointer(&request->names, g_strfreev);
    g_clear_pointer(&request->servers, g_strfreev);
}

bool berth_network_request_read_left(json_object *object, bool *left, GError **error) {
    *left = false;
    return berth_document_get_bool(object, "left", left, error);
}

bool berth_network_request_read(BerthNetworkRequest *request, json_object *object, GError **error) {
    *request = (BerthNetworkRequest){0};
    if (!berth_document_get_string(object, "network", &request->network, error) ||
        !berth_document_get_string(object, "interface", &request->interface, error) ||
        !berth_document_get_string(object, "bridge", &request->bridge, error) ||
        !berth_document_get_bool(object, "noDefaultRoute", &request->no_route, error) ||
        !berth_document_get_string(object, "mac", &request->mac, error) ||
        !berth_document_get_bool(object, "internal", &request->internal, error) ||
        !berth_document_get_bool(object, "dns", &request->dns, error) ||
        !berth_document_get_int(object, "mtu", &request->mtu, error) ||
        !berth_document_get_objects(object, "subnets", &request->subnets, error) ||
        !berth_document_get_strings(object, "addresses", &request->addresses, error) ||
        !berth_document_get_strings(object, "names", &request->names, error) ||
        !berth_document_get_strings(object, "servers", &request->servers, error))
        return false;
    /* Requests of earlier versions have none. */
    if (!request->interface)
        request->interface = BERTH_FIRST_INTERFACE;
    return (request->network &&
            (!request->bridge ||
             (request->subnets &&
              g_strv_length(request->addresses) == json_object_array_length(request->subnets)))) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "the request is not complete");
}

bool berth_network_request_get_subnet(const BerthNetworkRequest *request, guint i,
                                      const char **subnet, const char **gateway, GError **error) {
    json_object *object = json_object_array_get_idx(request->subnets, i);

    return berth_document_get_string(object, "subnet", subnet, error) &&
           berth_document_get_string(object, "gateway", gateway, error) &&
           ((*subnet && *gateway) || berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                                     "a subnet of the request is not complete"));
}
