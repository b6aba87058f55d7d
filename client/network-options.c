/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Options of create and run about the network. They are kept as they were given and passed on
 * unchanged: the service checks them. Ports are read by run-options.c. */

#include "client/network-options.h"

#include "client/bus.h"

static struct {
    char *network, *mac, *ip, *ip6;
    char **aliases, **servers, **search, **resolver_options, **hosts;
    gboolean no_hosts, publish_all;
} given;

const DistOption dist_network_options[] = {
    {"network", 0, DIST_OPTION_TEXT, &given.network, N_("none, host, or the name of a network"),
     N_("NAME")},
    {"net", 0, DIST_OPTION_TEXT, &given.network, NULL, N_("NAME")},
    {"publish-all", 'P', DIST_OPTION_FLAG, &given.publish_all,
     N_("Publish the ports that the image names, each on a free port"), NULL},
    {"network-alias", 0, DIST_OPTION_LIST, &given.aliases,
     N_("Another name of the container in its network"), N_("NAME")},
    {"ip", 0, DIST_OPTION_TEXT, &given.ip, N_("IPv4 address in the network"), N_("ADDRESS")},
    {"ip6", 0, DIST_OPTION_TEXT, &given.ip6, N_("IPv6 address in the network"), N_("ADDRESS")},
    {"mac-address", 0, DIST_OPTION_TEXT, &given.mac, N_("Hardware address in the network"),
     N_("ADDRESS")},
    {"dns", 0, DIST_OPTION_LIST, &given.servers, N_("Name server, instead of the host's"),
     N_("ADDRESS")},
    {"dns-search", 0, DIST_OPTION_LIST, &given.search,
     N_("Domain to complete names with; . for none"), N_("DOMAIN")},
    {"dns-option", 0, DIST_OPTION_LIST, &given.resolver_options,
     N_("Option of the resolver, resolv.conf(5)"), N_("OPTION")},
    {"add-host", 0, DIST_OPTION_LIST, &given.hosts,
     N_("Line of /etc/hosts; host-gateway is the host's address in the network"),
     N_("NAME:ADDRESS")},
    {"no-hosts", 0, DIST_OPTION_FLAG, &given.no_hosts, N_("Leave /etc/hosts as in the image"),
     NULL},
    DIST_OPTION_END,
};

/* An address of IPv6 may be given alone; the list must not begin with NULL, which would end it. */
int dist_append_network(sd_bus_message *call) {
    char *const addresses[] = {given.ip ? given.ip : given.ip6, given.ip ? given.ip6 : NULL, NULL};
    int r = given.network ? sd_bus_message_append(call, "{sv}", "Network", "s", given.network) : 0;

    if (r < 0 || (r = dist_append_strings(call, "Aliases", given.aliases)) < 0 ||
        (r = dist_append_strings(call, "StaticAddresses", addresses)) < 0 ||
        (r = dist_append_strings(call, "DNS", given.servers)) < 0 ||
        (r = dist_append_strings(call, "DNSSearch", given.search)) < 0 ||
        (r = dist_append_strings(call, "DNSOptions", given.resolver_options)) < 0 ||
        (r = dist_append_strings(call, "Hosts", given.hosts)) < 0)
        return r;
    if (given.mac && (r = sd_bus_message_append(call, "{sv}", "MACAddress", "s", given.mac)) < 0)
        return r;
    if (given.publish_all && (r = sd_bus_message_append(call, "{sv}", "PublishAll", "b", 1)) < 0)
        return r;
    return given.no_hosts ? sd_bus_message_append(call, "{sv}", "NoHosts", "b", 1) : 0;
}
