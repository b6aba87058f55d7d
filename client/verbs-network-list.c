/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist network list and inspect: networks that the service makes, and those in CNI's configuration
 * files, which it lists as well. Nothing is kept between calls.
 */

#include "client/verbs-network-list.h"

#include "base/document-members.h"
#include "base/document.h"
#include "client/bus.h"
#include "client/dictionary.h"
#include "client/format.h"
#include "client/list-filter.h"
#include "client/listing.h"
#include "client/table.h"

#include <stdlib.h>
#include <string.h>

/* file is empty for a network that the service has made. */
static int read_network(sd_bus_message *reply, char **key, void *userdata) {
    g_auto(GStrv) subnets = NULL, gateways = NULL, used_by = NULL;
    const char *name, *type = "", *file = "", *interface = "";
    uint64_t created = 0;
    int internal = 0, dns = 0;
    const DistField fields[] = {
        {"Type", "s", &type},           {"File", "s", &file},
        {"Interface", "s", &interface}, {"Subnets", "as", &subnets},
        {"Gateways", "as", &gateways},  {"UsedBy", "as", &used_by},
        {"Internal", "b", &internal},   {"DNS", "b", &dns},
        {"Created", "t", &created},     {NULL, NULL, NULL},
    };
    int r = dist_dictionary_read_item(reply, &name, fields);

    if (r <= 0)
        return r;
    g_autofree char *subnet = subnets ? g_strjoinv(" ", subnets) : g_strdup("");
    g_autofree char *gateway = gateways ? g_strjoinv(" ", gateways) : g_strdup("");
    g_autofree char *containers = used_by ? g_strjoinv(" ", used_by) : g_strdup("");
    dist_table_add(userdata, name, file[0] ? "cni" : "berth", type, subnet, gateway, interface,
                   internal ? "true" : "false", dns ? "true" : "false", containers, file,
                   (int64_t)created);
    *key = g_strdup(name);
    return 1;
}

static const DistFilterName network_filters[] = {
    {"name", "Name", DIST_FILTER_PART},
    {"label", "Labels", DIST_FILTER_LABEL},
    {"driver", "Type", DIST_FILTER_TEXT},
    {NULL},
};

const DistOption dist_network_list_options[] = {
    DIST_OPTION_INCLUDE(dist_filter_options),
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

static int append_network_filter(sd_bus_message *call, const void *userdata) {
    (void)userdata;
    return dist_filter_append(call, network_filters, NULL);
}

int dist_network_list(char **argv, GError **error) {
    DistColumn columns[] = {
        {"name", _("NAME"), DIST_CELL_TEXT},
        {"backend", _("MADE BY"), DIST_CELL_TEXT},
        {"type", NULL, DIST_CELL_TEXT},
        {"subnets", _("SUBNETS"), DIST_CELL_LIST},
        {"gateways", NULL, DIST_CELL_LIST},
        {"interface", NULL, DIST_CELL_TEXT},
        {"internal", NULL, DIST_CELL_JSON},
        {"dns", NULL, DIST_CELL_JSON},
        {"containers", _("CONTAINERS"), DIST_CELL_LIST},
        {"file", NULL, DIST_CELL_TEXT},
        {"created", NULL, DIST_CELL_TIME},
        {NULL, NULL, DIST_CELL_TEXT},
    };
    const DistListing networks = {DIST_NETWORKS, "List", .filter = append_network_filter};

    (void)argv;
    if (!dist_filter_check(network_filters, error))
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    if (!dist_list(&networks, read_network, table, error))
        return EXIT_FAILURE;
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A JSON array, to be put into a cell. */
static char *format_strings(char *const *strings) {
    g_autoptr(json_object) array = json_object_new_array();

    for (; strings && *strings; strings++)
        berth_document_append_string(array, *strings);
    return dist_format_value(array, false);
}

static int read_container(sd_bus_message *message, void *containers) {
    g_auto(GStrv) addresses = NULL;
    const char *id, *interface = "";
    const DistField fields[] = {
        {"Addresses", "as", &addresses}, {"Interface", "s", &interface}, {NULL, NULL, NULL}};
    int r = dist_dictionary_read_item(message, &id, fields);

    if (r <= 0)
        return r;
    json_object *container = berth_document_append_object(containers);
    berth_document_add_string(container, "id", id);
    berth_document_add_string(container, "interface", interface);
    berth_document_add_strings(container, "addresses", addresses);
    return 1;
}

/* The property Containers: each with its addresses and aliases in this network. */
static int read_containers(sd_bus_message *reply, void *containers) {
    return dist_dictionary_read_items(reply, read_container, containers);
}

typedef struct {
    DistTable *table;
    char *const *names;
    GHashTable *found;
} Inspection;

/* Adds the network if it was asked for. */
static int inspect_network(sd_bus_message *reply, char **key, void *userdata) {
    Inspection *inspection = userdata;
    g_autoptr(GHashTable) labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(json_object) containers = json_object_new_array();
    g_auto(GStrv) subnets = NULL, gateways = NULL;
    const char *name, *type = "", *file = "", *interface = "";
    uint64_t created = 0;
    uint32_t mtu = 0;
    int internal = 0, dns = 0;
    const DistField fields[] = {
        {"Type", "s", &type},
        {"File", "s", &file},
        {"Interface", "s", &interface},
        {"Subnets", "as", &subnets},
        {"Gateways", "as", &gateways},
        {"Labels", "a{ss}", labels},
        {"Internal", "b", &internal},
        {"DNS", "b", &dns},
        {"MTU", "u", &mtu},
        {"Created", "t", &created},
        {"Containers", NULL, containers, read_containers},
        {NULL, NULL, NULL},
    };

    int r = dist_dictionary_read_item(reply, &name, fields);
    if (r <= 0)
        return r;
    *key = g_strdup(name);
    if (!g_strv_contains((const char *const *)inspection->names, name))
        return 1;
    g_autofree char *members = dist_format_value(containers, false),
                    *pairs = dist_format_labels(labels), *nets = format_strings(subnets),
                    *ways = format_strings(gateways);
    dist_table_add(inspection->table, name, file[0] ? "cni" : "berth", type, file, interface, nets,
                   ways, internal ? "true" : "false", dns ? "true" : "false", (int64_t)mtu, pairs,
                   (int64_t)created, members);
    g_hash_table_add(inspection->found, g_strdup(name));
    return 1;
}

/* Prints JSON, as for a container or an image, unless --format says otherwise. */
int dist_network_inspect(char **argv, GError **error) {
    DistColumn columns[] = {
        {"name", _("NAME"), DIST_CELL_TEXT},  {"backend", NULL, DIST_CELL_TEXT},
        {"type", NULL, DIST_CELL_TEXT},       {"file", NULL, DIST_CELL_TEXT},
        {"interface", NULL, DIST_CELL_TEXT},  {"subnets", NULL, DIST_CELL_JSON},
        {"gateways", NULL, DIST_CELL_JSON},   {"internal", NULL, DIST_CELL_JSON},
        {"dns", NULL, DIST_CELL_JSON},        {"mtu", NULL, DIST_CELL_NUMBER},
        {"labels", NULL, DIST_CELL_JSON},     {"created", NULL, DIST_CELL_TIME},
        {"containers", NULL, DIST_CELL_JSON}, {NULL, NULL, DIST_CELL_TEXT},
    };
    const DistListing networks = {DIST_NETWORKS, "List"};
    g_autoptr(DistTable) table = dist_table_new(columns);
    g_autoptr(GHashTable) found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Inspection inspection = {table, argv + 1, found};

    dist_table_prefer_json();
    if (!dist_list(&networks, inspect_network, &inspection, error))
        return EXIT_FAILURE;
    for (char **name = argv + 1; *name; name++)
        if (!g_hash_table_contains(found, *name)) {
            berth_error_set(error, BERTH_ERROR_NOT_FOUND, _("there is no network \"%s\""), *name);
            return EXIT_FAILURE;
        }
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}
