/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The network of a container in its configuration. The specification has no place for CNI, so Berth
 * uses annotations. There is no state here.
 */

#include "containers/spec/spec-network.h"

#include "base/document-members.h"
#include "base/document.h"
#include "containers/spec/port.h"

/* The form of CNI's portMappings (CONVENTIONS.md). */
static char *format_ports(char *const *ports) {
    g_autoptr(json_object) root = json_object_new_object();
    json_object *list = berth_document_add_array(root, "ports");

    for (; ports && *ports; ports++) {
        BerthPort port;
        if (!berth_port_parse(*ports, &port))
            continue;
        json_object *item = berth_document_append_object(list);
        berth_document_add_int(item, "hostPort", port.host);
        berth_document_add_int(item, "containerPort", port.container);
        berth_document_add_string(item, "protocol", port.protocol);
        if (port.address[0])
            berth_document_add_string(item, "hostIP", port.address);
    }
    return berth_document_print(root, false);
}

void berth_spec_add_network(json_object *annotations, const BerthCreateOptions *options) {
    if (options->network_mode == BERTH_NETWORK_JOINED)
        berth_document_add_string(annotations, "org.berth1.joined",
                                  berth_network_get_joined(options->network));
    if (options->network_mode != BERTH_NETWORK_NAMED)
        return;
    berth_document_add_string(annotations, "org.berth1.network", options->network);
    if (!options->ports || !options->ports[0])
        return;
    g_autofree char *ports = format_ports(options->ports);
    berth_document_add_string(annotations, "org.berth1.ports", ports);
}
