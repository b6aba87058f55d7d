/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist network: creates and removes networks, and connects containers to them. Nothing is kept
 * between calls; verbs-network-list.c shows networks.
 */

#include "client/verbs-network-list.h"
#include "client/verbs.h"

#include "client/bus.h"
#include "client/each.h"
#include "client/listing.h"
#include "client/message.h"
#include "client/table.h"
#include "client/verbs-prune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    char **subnets, **gateways, **labels;
    gboolean ipv6, internal, no_dns, ignore;
    gint64 mtu;
} network_given = {.ipv6 = TRUE};

static const char *const network_drivers[] = {"bridge", NULL};

static const DistOption network_create_options[] = {
    {"driver", 'd', DIST_OPTION_ONLY, NULL, N_("each network is a bridge"), N_("DRIVER"),
     .choices = network_drivers},
    {"subnet", 0, DIST_OPTION_LIST, &network_given.subnets,
     N_("Set an IPv4 or IPv6 subnet; a free one if not given"), N_("ADDRESS/PREFIX")},
    {"gateway", 0, DIST_OPTION_LIST, &network_given.gateways,
     N_("Set the host's address in the subnet; the first one if not given"), N_("ADDRESS")},
    {"ipv6", 0, DIST_OPTION_FLAG, &network_given.ipv6, N_("=false: IPv4 only"), NULL},
    {"internal", 0, DIST_OPTION_FLAG, &network_given.internal,
     N_("Let containers reach only each other"), NULL},
    {"disable-dns", 0, DIST_OPTION_FLAG, &network_given.no_dns,
     N_("Do not resolve names of containers"), NULL},
    {"ip-range", 0, DIST_OPTION_REFUSED, NULL,
     N_("addresses are assigned from the whole subnet; a container may have --ip"), NULL},
    {"mtu", 0, DIST_OPTION_NUMBER, &network_given.mtu, N_("Maximum packet size"), N_("BYTES")},
    {"label", 'l', DIST_OPTION_LIST, &network_given.labels, N_("Add a label"), N_("KEY=VALUE")},
    {"ignore", 0, DIST_OPTION_FLAG, &network_given.ignore, N_("Do nothing if it exists already"),
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

/* With --ignore, which units use (berth-generator), AlreadyExists is not an error: the network is
 * there, and its name is printed. */
static int network_create(char **argv, GError **error) {
    sd_bus_message *call = dist_new_call(error, DIST_NETWORKS, "Create");
    int r;

    if (!call)
        return EXIT_FAILURE;
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
    g_autoptr(sd_bus_message) reply = dist_send(call, error);
    if (!dist_reply_or_ignored(reply, network_given.ignore, BERTH_ERROR_ALREADY_EXISTS, error))
        return EXIT_FAILURE;
    puts(argv[1]);
    return EXIT_SUCCESS;
}

static struct { gboolean force; } network_rm_given;

static const DistOption network_rm_options[] = {
    {"force", 'f', DIST_OPTION_FLAG, &network_rm_given.force,
     N_("Do not fail if it does not exist"), NULL},
    DIST_OPTION_END,
};

/* Errors are printed for each name; the exit status tells whether there were any. */
static int network_rm(char **argv, GError **error) {
    (void)error;
    return network_rm_given.force ? dist_delete_each_existing(DIST_NETWORKS, argv + 1)
                                  : dist_call_each(DIST_NETWORKS, "Delete", argv + 1);
}

static struct {
    char **aliases;
    char *ip, *ip6, *mac;
    gboolean force;
} connect_given;

static const DistOption connect_options[] = {
    {"alias", 0, DIST_OPTION_LIST, &connect_given.aliases,
     N_("Another name of the container in the network"), N_("NAME")},
    {"ip", 0, DIST_OPTION_TEXT, &connect_given.ip, N_("Set the IPv4 address in the network"),
     N_("ADDRESS")},
    {"ip6", 0, DIST_OPTION_TEXT, &connect_given.ip6, N_("Set the IPv6 address in the network"),
     N_("ADDRESS")},
    {"mac-address", 0, DIST_OPTION_TEXT, &connect_given.mac,
     N_("Set the hardware address in the network"), N_("ADDRESS")},
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
     N_("Do not fail if the container is not in the network"), NULL},
    DIST_OPTION_END,
};

static int network_disconnect(char **argv, GError **error) {
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_CONTAINERS, "DisconnectNetwork", "ssa{sv}", argv[2], argv[1], 0);

    return dist_reply_or_ignored(reply, connect_given.force, BERTH_ERROR_NOT_FOUND, error)
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

static int network_prune(char **argv, GError **error) {
    (void)argv;
    return dist_prune_networks(error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int network_exists(char **argv, GError **error) {
    return dist_list_find(DIST_NETWORKS, argv[1], error);
}

static const DistVerb network_verbs[] = {
    {.name = "list",
     .arguments = "",
     .summary = N_("List networks"),
     .options = dist_network_list_options,
     .run = dist_network_list,
     .details = N_("Filters: name, label, driver."),
     .example = "dist network ls --filter name=web"},
    {.name = "ls",
     .arguments = "",
     .summary = N_("List networks"),
     .options = dist_network_list_options,
     .run = dist_network_list,
     .details = N_("Filters: name, label, driver."),
     .example = "dist network ls --filter name=web"},
    {.name = "create",
     .arguments = N_("NAME"),
     .summary = N_("Create a network: a bridge with NAT and name resolution"),
     .options = network_create_options,
     .run = network_create,
     .min = 1,
     .max = 1,
     .example = "dist network create --subnet=10.90.0.0/24 backend"},
    {.name = "exists",
     .arguments = N_("NAME"),
     .summary = N_("Check whether a network exists; the status is 1 if not"),
     .run = network_exists,
     .min = 1,
     .max = 1},
    {.name = "inspect",
     .arguments = N_("NAME…"),
     .summary = N_("Show networks, with the containers in them, as JSON"),
     .options = dist_inspect_table_options,
     .run = dist_network_inspect,
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
     .options = network_rm_options,
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
