/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dist network: networks that the service makes, and those of CNI's configuration files, which it
 * lists as well. Nothing is kept between calls. */

#include "client/verbs.h"

#include "client/bus.h"
#include "client/dictionary.h"
#include "client/each.h"
#include "client/listing.h"
#include "client/table.h"

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

/* IPv4 and IPv6 are told apart by their form. */
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
    {.name = "rm",
     .arguments = N_("NAME…"),
     .summary = N_("Delete networks"),
     .run = network_rm,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = NULL},
};

const DistVerb dist_network_verbs[] = {
    {.name = "network",
     .arguments = "VERB",
     .summary = N_("Work with networks of containers"),
     .verbs = network_verbs},
    {.name = NULL},
};
