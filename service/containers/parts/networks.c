/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The networks of the host: those that Berth made, and CNI's configurations in /etc/cni/net.d.
 * Nothing is cached: each list is read anew and belongs to the caller. The files are written by an
 * administrator but may still be wrong: like berth-network, this skips a file that cannot be
 * parsed.
 */

#include "containers/parts/networks.h"

#include "base/cni-configurations.h"
#include "base/document.h"

#include <string.h>

void berth_network_free(gpointer data) {
    BerthNetwork *network = data;

    g_free(network->name);
    g_free(network->type);
    g_free(network->file);
    g_strfreev(network->subnets);
    berth_network_record_free(network->made);
    g_free(network);
}

static gint compare_networks(gconstpointer a, gconstpointer b) {
    return strcmp((*(BerthNetwork *const *)a)->name, (*(BerthNetwork *const *)b)->name);
}

static void add_subnet(json_object *holder, GPtrArray *subnets) {
    const char *subnet = NULL;

    if (berth_document_get_string(holder, "subnet", &subnet, NULL) && subnet)
        g_ptr_array_add(subnets, g_strdup(subnet));
}

/* "ranges" of host-local is an array of arrays; one address is taken from each inner array. */
static void add_ranges(json_object *ipam, GPtrArray *subnets) {
    json_object *ranges = json_object_object_get(ipam, "ranges");

    if (!json_object_is_type(ranges, json_type_array))
        return;
    for (size_t i = 0; i < json_object_array_length(ranges); i++) {
        json_object *set = json_object_array_get_idx(ranges, i);
        bool is_array = json_object_is_type(set, json_type_array);
        for (size_t k = 0; is_array && k < json_object_array_length(set); k++) {
            json_object *range = json_object_array_get_idx(set, k);
            if (json_object_is_type(range, json_type_object))
                add_subnet(range, subnets);
        }
    }
}

static void read_plugin(json_object *plugin, BerthNetwork *network, GPtrArray *subnets) {
    const char *type = NULL;
    json_object *ipam = NULL;

    if (!network->type && berth_document_get_string(plugin, "type", &type, NULL) && type)
        network->type = g_strdup(type);
    if (berth_document_get_object(plugin, "ipam", &ipam, NULL) && ipam) {
        add_subnet(ipam, subnets);
        add_ranges(ipam, subnets);
    }
}

static BerthNetwork *read_network(const char *path) {
    g_autoptr(json_object) root = berth_cni_configurations_read(path);
    g_autoptr(GPtrArray) subnets = g_ptr_array_new();
    json_object *plugins = NULL;
    const char *name = NULL;

    if (!root || !berth_document_get_string(root, "name", &name, NULL) || !name || !name[0])
        return NULL;
    BerthNetwork *network = g_new0(BerthNetwork, 1);
    network->name = g_strdup(name);
    network->file = g_strdup(path);
    if (!g_str_has_suffix(path, ".conflist"))
        read_plugin(root, network, subnets);
    else if (berth_document_get_objects(root, "plugins", &plugins, NULL))
        for (size_t i = 0; plugins && i < json_object_array_length(plugins); i++)
            read_plugin(json_object_array_get_idx(plugins, i), network, subnets);
    if (!network->type)
        network->type = g_strdup("");
    g_ptr_array_add(subnets, NULL);
    network->subnets = (char **)g_ptr_array_free(g_steal_pointer(&subnets), FALSE);
    return network;
}

BerthNetwork *berth_network_take_made(BerthNetworkRecord *record) {
    BerthNetwork *network = g_new0(BerthNetwork, 1);
    char *const subnets[] = {record->subnet, record->subnet6[0] ? record->subnet6 : NULL, NULL};

    network->name = g_strdup(record->name);
    network->type = g_strdup("bridge");
    network->file = g_strdup("");
    network->subnets = g_strdupv((char **)subnets);
    network->made = record;
    return network;
}

static void add_made(BerthContainers *containers, GPtrArray *networks, GHashTable *names) {
    g_autoptr(GPtrArray) records = berth_network_store_list(containers->database, NULL);

    while (records && records->len > 0) {
        BerthNetwork *network = berth_network_take_made(g_ptr_array_steal_index(records, 0));
        g_hash_table_add(names, network->name);
        g_ptr_array_add(networks, network);
    }
}

GPtrArray *berth_networks_list(BerthContainers *containers) {
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) files = berth_cni_configurations_list();
    GPtrArray *networks = g_ptr_array_new_with_free_func(berth_network_free);

    add_made(containers, networks, names);
    /* If several networks have the same name, the one that Berth made wins, then the first file. */
    for (guint i = 0; i < files->len; i++) {
        BerthNetwork *network = read_network(files->pdata[i]);
        if (network && g_hash_table_add(names, network->name))
            g_ptr_array_add(networks, network);
        else if (network)
            berth_network_free(network);
    }
    g_ptr_array_sort(networks, compare_networks);
    return networks;
}
