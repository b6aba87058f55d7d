/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "containers/network.h"

#include "base/document.h"
#include "base/fd.h"
#include "base/log.h"
#include "containers/container-private.h"
#include "containers/ports.h"

#include <dirent.h>
#include <string.h>

enum { MAX_STATE_BYTES = 4 * 1024 * 1024 };

/* One of /etc/cni/net.d: not the ones that every container can have. */
static bool is_named(const char *network) {
    return network && network[0] && !g_str_equal(network, "none") && !g_str_equal(network, "host");
}

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

void berth_ports_add_annotations(JsonBuilder *builder, const BerthContainerOptions *options) {
    if (!is_named(options->network))
        return;
    json_builder_set_member_name(builder, "org.berth1.network");
    json_builder_add_string_value(builder, options->network);
    if (!options->ports || !options->ports[0])
        return;
    g_autofree char *ports = format_ports(options->ports);
    json_builder_set_member_name(builder, "org.berth1.ports");
    json_builder_add_string_value(builder, ports);
}

/* What is kept of the network of a container; NULL. */
static JsonNode *read_state(BerthContainers *containers, const char *name) {
    berth_autofd int file = openat(containers->networks, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    size_t size;
    g_autofree char *text =
        file < 0 ? NULL : berth_fd_read_whole(file, MAX_STATE_BYTES, &size, NULL);

    return text ? berth_document_parse(text, size, NULL) : NULL;
}

char **berth_container_list_addresses(BerthContainer *container) {
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    g_autofree char *name = g_strconcat(container->record.id, ".json", NULL);
    g_autoptr(JsonNode) state =
        berth_container_has_network(container) && berth_container_is_running(container)
            ? read_state(container->containers, name)
            : NULL;
    JsonObject *result = NULL;
    JsonArray *addresses = NULL;
    const char *address;

    if (state && berth_document_get_object(json_node_get_object(state), "result", &result, NULL) &&
        result && berth_document_get_objects(result, "ips", &addresses, NULL))
        for (guint i = 0; addresses && i < json_array_get_length(addresses); i++)
            if (berth_document_get_string(json_array_get_object_element(addresses, i), "address",
                                          &address, NULL) &&
                address)
                g_ptr_array_add(list, g_strndup(address, strcspn(address, "/")));
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}

static char **list_extra(const BerthContainer *container, const char *key) {
    g_autoptr(GVariant) value =
        berth_container_record_get_extra(&container->record, key, G_VARIANT_TYPE_STRING_ARRAY);

    return value ? g_variant_dup_strv(value, NULL) : g_new0(char *, 1);
}

char **berth_container_list_ports(const BerthContainer *container) {
    return list_extra(container, "Ports");
}

char **berth_container_list_exposed_ports(const BerthContainer *container) {
    return list_extra(container, "ExposedPorts");
}

bool berth_container_has_network(const BerthContainer *container) {
    return is_named(container->record.network);
}

void berth_network_leave(BerthContainers *containers, const char *id, uint32_t pid) {
    g_autoptr(GError) error = NULL;

    if (!berth_launch_afterwards(containers->event, containers->program, "disconnect", id, pid,
                                 containers->networks, &error))
        berth_log_warning("BERTH_CONTAINER", id, "%s", error->message);
}

void berth_networks_recover(BerthContainers *containers) {
    int copy = openat(containers->networks, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);

    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        if (entry->d_name[0] == '.' || !g_str_has_suffix(entry->d_name, ".json"))
            continue;
        g_autofree char *id = g_strndup(entry->d_name, strlen(entry->d_name) - strlen(".json"));
        BerthContainer *container = berth_containers_find(containers, id, NULL);
        g_autoptr(JsonNode) state = read_state(containers, entry->d_name);
        int64_t pid = 0;
        if (container && berth_container_is_running(container))
            continue;
        if (!state || !berth_document_get_int(json_node_get_object(state), "pid", &pid, NULL))
            unlinkat(containers->networks, entry->d_name, 0);
        else
            berth_network_leave(containers, id, (uint32_t)pid);
    }
    if (entries)
        closedir(entries);
}
