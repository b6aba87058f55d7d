/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The network of a container in its configuration. The specification has no place for CNI, so Berth
 * uses annotations. There is no state here.
 */

#include "containers/spec/spec-network.h"

#include "containers/spec/port.h"

/* The form of CNI's portMappings (CONVENTIONS.md). */
static char *format_ports(char *const *ports) {
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "ports");
    json_builder_begin_array(builder);
    for (; ports && *ports; ports++) {
        BerthPort port;
        if (!berth_port_parse(*ports, &port))
            continue;
        json_builder_begin_object(builder);
        json_builder_set_member_name(builder, "hostPort");
        json_builder_add_int_value(builder, port.host);
        json_builder_set_member_name(builder, "containerPort");
        json_builder_add_int_value(builder, port.container);
        json_builder_set_member_name(builder, "protocol");
        json_builder_add_string_value(builder, port.protocol);
        if (port.address[0]) {
            json_builder_set_member_name(builder, "hostIP");
            json_builder_add_string_value(builder, port.address);
        }
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    return json_to_string(root, FALSE);
}

void berth_spec_add_network(JsonBuilder *builder, const BerthCreateOptions *options) {
    if (options->network_mode != BERTH_NETWORK_NAMED)
        return;
    json_builder_set_member_name(builder, "org.berth1.network");
    json_builder_add_string_value(builder, options->network);
    if (!options->ports || !options->ports[0])
        return;
    g_autofree char *ports = format_ports(options->ports);
    json_builder_set_member_name(builder, "org.berth1.ports");
    json_builder_add_string_value(builder, ports);
}
