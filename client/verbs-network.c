/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dist network: networks that the service makes, and those of CNI's configuration files, which it
 * lists as well. Nothing is kept between calls. */

#include "client/verbs.h"

#include "client/bus.h"
#include "client/dictionary.h"
#include "client/each.h"
#include "client/listing.h"
#include "client/message.h"
#include "client/table.h"
#include "client/verbs-prune.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    char **subnets, **gateways, **labels;
    gboolean ipv6, internal, no_dns, ignore;
    gint64 mtu;
} network_given = {.ipv6 = TRUE};

static const DistOption network_create_options[] = {
    {"subnet", 0, DIST_OPTION_LIST, &network_given.subnets,
     N_("Subnet of IPv4 or IPv6; one that is free if not given"), N_("ADDRESS/PREFIX")},
    {"gateway", 0, DIST_OPTION_LIST, &network_given.gateways,
     N_("The host's address in it, the first if not given"), N_("ADDRESS")},
    {"ipv6", 0, DIST_OPTION_FLAG, &network_given.ipv6, N_("=false: IPv4 alone"), NULL},
    {"internal", 0, DIST_OPTION_FLAG, &network_given.internal,
     N_("Containers reach each other and nothing else"), NULL},
    {"disable-dns", 0, DIST_OPTION_FLAG, &network_given.no_dns,
     N_("Containers do not find each other by name"), NULL},
    {"mtu", 0, DIST_OPTION_NUMBER, &network_given.mtu, N_("Largest packet"), N_("BYTES")},
    {"label", 'l', DIST_OPTION_LIST, &network_given.labels, N_("Add a label"), N_("KEY=VALUE")},
    {"ignore", 0, DIST_OPTION_FLAG, &network_given.ignore, N_("Leave one that exists as it is"),
     NULL},
    DIST_OPTION_END,
};

/* The form of an address distinguishes IPv4 and IPv6. */
static int append_addresses(sd_bus_message *call, char **list, const char *key, const char *key6) {
    int r = 0;

    for (; r >= 0 && list && *list; list++)
        r = sd_bus_message_append(call, "{sv}", strchr(*list, ':') ? key6 : key, "s", *list);
    return r;
}

/* AlreadyExists is no error with --ignore, which units use (berth-generator). */
static int network_create(char **argv, GError **error) {
    int r;

    g_autoptr(GError) local = NULL;
    sd_bus_message *call = dist_new_call(&local, DIST_NETWORKS, "Create");
    if (!call) {
        g_propagate_error(error, g_steal_pointer(&local));
        return EXIT_FAILURE;
    }
    if ((r = sd_bus_message_append(call, "s", argv[1])) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (r = append_addresses(call, network_given.subnets, "Subnet", "Subnet6")) < 0 ||
        (r = append_addresses(call, network_given.gateways, "Gateway", "Gateway6")) < 0 ||
        (r = dist_append_labels(call, "Labels", network_given.labels)) < 0 ||
        (r = sd_bus_message_append(call, "{sv}{sv}{sv}{sv}", "IPv6", "b", network_given.ipv6,
                                   "Internal", "b", network_given.internal, "DNS", "b",
                                   !network_given.no_dns, "MTU", "u",
                                   (uint32_t)MIN(network_given.mtu, UINT32_MAX))) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error), EXIT_FAILURE;
    }
    g_autoptr(sd_bus_message) reply = dist_send(call, &local);
    if (reply)
        puts(argv[1]);
    if (reply ||
        (network_given.ignore && g_error_matches(local, BERTH_ERROR, BERTH_ERROR_ALREADY_EXISTS)))
        return EXIT_SUCCESS;
    g_propagate_error(error, g_steal_pointer(&local));
    return EXIT_FAILURE;
}

/* Errors are printed for each name; the status says whether there was one. */
static int network_rm(char **argv, GError **error) {
    (void)error;
    return dist_call_each(DIST_NETWORKS, "Delete", argv + 1);
}

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

static int network_list(char **argv, GError **error) {
    DistColumn columns[] = {
        {"name", _("NAME"), DIST_CELL_TEXT},
        {"backend", _("MADE BY"), DIST_CELL_TEXT},
        {"type", NULL, DIST_CELL_TEXT},
        {"subnets", _("SUBNETS"), DIST_CELL_TEXT},
        {"gateways", NULL, DIST_CELL_TEXT},
        {"interface", NULL, DIST_CELL_TEXT},
        {"internal", NULL, DIST_CELL_JSON},
        {"dns", NULL, DIST_CELL_JSON},
        {"containers", _("CONTAINERS"), DIST_CELL_TEXT},
        {"file", NULL, DIST_CELL_TEXT},
        {"created", NULL, DIST_CELL_TIME},
        {NULL, NULL, DIST_CELL_TEXT},
    };
    const DistListing networks = {DIST_NETWORKS, "List"};

    (void)argv;
    g_autoptr(DistTable) table = dist_table_new(columns);
    if (!dist_list(&networks, read_network, table, error))
        return EXIT_FAILURE;
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A JSON array or object that is put into a cell. */
static char *finish_json(JsonBuilder *builder) {
    g_autoptr(JsonNode) root = json_builder_get_root(builder);

    return json_to_string(root, FALSE);
}

static void add_strings(JsonBuilder *builder, char *const *strings) {
    json_builder_begin_array(builder);
    for (; strings && *strings; strings++)
        json_builder_add_string_value(builder, *strings);
    json_builder_end_array(builder);
}

static char *format_strings(char *const *strings) {
    g_autoptr(JsonBuilder) builder = json_builder_new();

    add_strings(builder, strings);
    return finish_json(builder);
}

static char *format_labels(GHashTable *labels) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(labels), (GCompareFunc)strcmp);

    json_builder_begin_object(builder);
    for (const GList *key = keys; key; key = key->next) {
        json_builder_set_member_name(builder, key->data);
        json_builder_add_string_value(builder, g_hash_table_lookup(labels, key->data));
    }
    json_builder_end_object(builder);
    return finish_json(builder);
}

/* The property Containers: each with what it has in this network. */
static int read_containers(sd_bus_message *reply, void *value) {
    JsonBuilder *builder = value;
    int r;

    if ((r = sd_bus_message_enter_container(reply, 'v', "a(sa{sv})")) < 0 ||
        (r = sd_bus_message_enter_container(reply, 'a', "(sa{sv})")) < 0)
        return r;
    for (;;) {
        g_auto(GStrv) addresses = NULL;
        const char *id, *interface = "";
        const DistField fields[] = {
            {"Addresses", "as", &addresses}, {"Interface", "s", &interface}, {NULL, NULL, NULL}};
        if ((r = dist_dictionary_read_item(reply, &id, fields)) <= 0)
            break;
        json_builder_begin_object(builder);
        json_builder_set_member_name(builder, "id");
        json_builder_add_string_value(builder, id);
        json_builder_set_member_name(builder, "interface");
        json_builder_add_string_value(builder, interface);
        json_builder_set_member_name(builder, "addresses");
        add_strings(builder, addresses);
        json_builder_end_object(builder);
    }
    if (r < 0 || (r = sd_bus_message_exit_container(reply)) < 0)
        return r;
    return sd_bus_message_exit_container(reply);
}

typedef struct {
    DistTable *table;
    char *const *names;
    GHashTable *found;
} Inspection;

/* Those that were asked for; the others are passed over. */
static int inspect_network(sd_bus_message *reply, char **key, void *userdata) {
    Inspection *inspection = userdata;
    g_autoptr(GHashTable) labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(JsonBuilder) builder = json_builder_new();
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
        {"Containers", NULL, builder, read_containers},
        {NULL, NULL, NULL},
    };

    json_builder_begin_array(builder);
    int r = dist_dictionary_read_item(reply, &name, fields);
    if (r <= 0)
        return r;
    json_builder_end_array(builder);
    *key = g_strdup(name);
    if (!g_strv_contains((const char *const *)inspection->names, name))
        return 1;
    g_autofree char *containers = finish_json(builder), *pairs = format_labels(labels),
                    *nets = format_strings(subnets), *ways = format_strings(gateways);
    dist_table_add(inspection->table, name, file[0] ? "cni" : "berth", type, file, interface, nets,
                   ways, internal ? "true" : "false", dns ? "true" : "false", (int64_t)mtu, pairs,
                   (int64_t)created, containers);
    g_hash_table_add(inspection->found, g_strdup(name));
    return 1;
}

/* JSON, as of a container or an image, unless --format says otherwise. */
static int network_inspect(char **argv, GError **error) {
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

    if (!dist_list(&networks, inspect_network, &inspection, error))
        return EXIT_FAILURE;
    for (char **name = argv + 1; *name; name++)
        if (!g_hash_table_contains(found, *name)) {
            berth_error_set(error, BERTH_ERROR_NOT_FOUND, _("there is no network \"%s\""), *name);
            return EXIT_FAILURE;
        }
    if (dist_settings.json == DIST_JSON_OFF && !dist_table_has_format())
        dist_settings.json = DIST_JSON_PRETTY;
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static struct {
    char **aliases;
    char *ip, *ip6, *mac;
    gboolean force;
} connect_given;

static const DistOption connect_options[] = {
    {"alias", 0, DIST_OPTION_LIST, &connect_given.aliases,
     N_("Another name of the container in the network"), N_("NAME")},
    {"ip", 0, DIST_OPTION_TEXT, &connect_given.ip, N_("IPv4 address in the network"),
     N_("ADDRESS")},
    {"ip6", 0, DIST_OPTION_TEXT, &connect_given.ip6, N_("IPv6 address in the network"),
     N_("ADDRESS")},
    {"mac-address", 0, DIST_OPTION_TEXT, &connect_given.mac, N_("Hardware address in the network"),
     N_("ADDRESS")},
    DIST_OPTION_END,
};

/* The list must not begin with NULL, which would end it. */
static int network_connect(char **argv, GError **error) {
    char *const addresses[] = {connect_given.ip ? connect_given.ip : connect_given.ip6,
                               connect_given.ip ? connect_given.ip6 : NULL, NULL};
    sd_bus_message *call = dist_new_call(error, DIST_CONTAINERS, "ConnectNetwork");
    int r;

    if (!call)
        return EXIT_FAILURE;
    if ((r = sd_bus_message_append(call, "ss", argv[2], argv[1])) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (r = dist_append_strings(call, "Aliases", connect_given.aliases)) < 0 ||
        (r = dist_append_strings(call, "StaticAddresses", addresses)) < 0 ||
        (connect_given.mac &&
         (r = sd_bus_message_append(call, "{sv}", "MACAddress", "s", connect_given.mac)) < 0) ||
        (r = sd_bus_message_close_container(call)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error), EXIT_FAILURE;
    }
    g_autoptr(sd_bus_message) reply = dist_send(call, error);
    return reply ? EXIT_SUCCESS : EXIT_FAILURE;
}

static const DistOption disconnect_options[] = {
    {"force", 'f', DIST_OPTION_FLAG, &connect_given.force,
     N_("A container that is not in the network is no error"), NULL},
    DIST_OPTION_END,
};

static int network_disconnect(char **argv, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(sd_bus_message) reply =
        dist_call(&local, DIST_CONTAINERS, "DisconnectNetwork", "ssa{sv}", argv[2], argv[1], 0);

    if (reply ||
        (connect_given.force && g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND)))
        return EXIT_SUCCESS;
    g_propagate_error(error, g_steal_pointer(&local));
    return EXIT_FAILURE;
}

static int network_prune(char **argv, GError **error) {
    (void)argv;
    return dist_prune_networks(error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static const DistVerb network_verbs[] = {
    {.name = "list",
     .arguments = "",
     .summary = N_("List networks"),
     .options = dist_table_options,
     .run = network_list},
    {.name = "ls",
     .arguments = "",
     .summary = N_("List networks"),
     .options = dist_table_options,
     .run = network_list},
    {.name = "create",
     .arguments = N_("NAME"),
     .summary = N_("Create a network: a bridge with NAT, with names for its containers"),
     .options = network_create_options,
     .run = network_create,
     .min = 1,
     .max = 1,
     .example = "dist network create --subnet=10.90.0.0/24 backend"},
    {.name = "inspect",
     .arguments = N_("NAME…"),
     .summary = N_("Show networks, with the containers in them, as JSON"),
     .options = dist_table_options,
     .run = network_inspect,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .example = "dist network inspect backend"},
    {.name = "connect",
     .arguments = N_("NAME ID"),
     .summary = N_("Connect a container to one more network, also while it runs"),
     .options = connect_options,
     .run = network_connect,
     .min = 2,
     .max = 2,
     .example = "dist network connect --alias=db backend web"},
    {.name = "disconnect",
     .arguments = N_("NAME ID"),
     .summary = N_("Disconnect a container from a network, also while it runs"),
     .options = disconnect_options,
     .run = network_disconnect,
     .min = 2,
     .max = 2,
     .example = "dist network disconnect backend web"},
    {.name = "rm",
     .arguments = N_("NAME…"),
     .summary = N_("Delete networks"),
     .run = network_rm,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "prune",
     .arguments = "",
     .summary = N_("Delete the networks that no container is in"),
     .options = dist_prune_options,
     .run = network_prune},
    {.name = NULL},
};

const DistVerb dist_network_verbs[] = {
    {.name = "network",
     .arguments = "VERB",
     .summary = N_("Work with networks of containers"),
     .verbs = network_verbs},
    {.name = NULL},
};
