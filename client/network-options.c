/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The network options of create and run, and of "network connect". They are kept as given and
 * passed on unchanged: the service checks them. Ports are read by run-options.c. The first network
 * is an option of Create like others, and published ports lead to it; further networks are in a
 * list of their own.
 */

#include "client/network-options.h"

#include "client/bus.h"
#include "client/translate.h"

#include <errno.h>
#include <string.h>

static struct {
    char *mac, *ip, *ip6;
    char **networks, **aliases, **servers, **search, **resolver_options, **hosts;
    gboolean no_hosts, publish_all;
} given;

static const DistOption shared_options[] = {
    {"net", 0, DIST_OPTION_LIST, &given.networks, NULL, N_("NAME[:OPTIONS]")},
    {"network-alias", 0, DIST_OPTION_LIST, &given.aliases,
     N_("Add a name of the container in its network"), N_("NAME")},
    {"net-alias", 0, DIST_OPTION_LIST, &given.aliases, NULL, N_("NAME")},
    {"ip", 0, DIST_OPTION_TEXT, &given.ip, N_("Set the IPv4 address in the network"),
     N_("ADDRESS")},
    {"ip6", 0, DIST_OPTION_TEXT, &given.ip6, N_("Set the IPv6 address in the network"),
     N_("ADDRESS")},
    {"mac-address", 0, DIST_OPTION_TEXT, &given.mac, N_("Set the hardware address in the network"),
     N_("ADDRESS")},
    {"dns", 0, DIST_OPTION_LIST, &given.servers, N_("Set a name server, instead of the host's"),
     N_("ADDRESS")},
    {"dns-search", 0, DIST_OPTION_LIST, &given.search, N_("Set a search domain; . for none"),
     N_("DOMAIN")},
    {"dns-option", 0, DIST_OPTION_LIST, &given.resolver_options,
     N_("Set an option of the resolver, resolv.conf(5)"), N_("OPTION")},
    {"dns-opt", 0, DIST_OPTION_LIST, &given.resolver_options, NULL, N_("OPTION")},
    {"add-host", 0, DIST_OPTION_LIST, &given.hosts,
     N_("Add a line to /etc/hosts; host-gateway is the host's address in the network"),
     N_("NAME:ADDRESS")},
    DIST_OPTION_END,
};

const DistOption dist_pod_network_options[] = {
    {"network", 0, DIST_OPTION_LIST, &given.networks,
     N_("none, host, or the name of a network, with ip=, mac= and alias= after a colon; once for "
        "each network"),
     N_("NAME[:OPTIONS]")},
    DIST_OPTION_INCLUDE(shared_options),
    DIST_OPTION_END,
};

const DistOption dist_network_options[] = {
    {"network", 0, DIST_OPTION_LIST, &given.networks,
     N_("none, host, or the name of a network, with ip=, mac= and alias= after a colon; once for "
        "each network; or container:NAME, whose network and users are shared"),
     N_("NAME[:OPTIONS]")},
    DIST_OPTION_INCLUDE(shared_options),
    {"publish-all", 'P', DIST_OPTION_FLAG, &given.publish_all,
     N_("Publish the ports that the image exposes, each on a free host port"), NULL},
    {"no-hosts", 0, DIST_OPTION_FLAG, &given.no_hosts, N_("Keep /etc/hosts of the image"), NULL},
    DIST_OPTION_END,
};

bool dist_network_publishes_all(void) {
    return given.publish_all;
}

void dist_network_options_forget(void) {
    char ***lists[] = {&given.networks, &given.aliases,          &given.servers,
                       &given.search,   &given.resolver_options, &given.hosts};

    /* Only the lists are freed: their elements belong to the command line. */
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        g_clear_pointer(lists[i], g_free);
    given.mac = given.ip = given.ip6 = NULL;
    given.publish_all = FALSE;
}

/* A network as given to --network, "NAME:ip=ADDRESS,alias=NAME". */
typedef struct {
    char *name; /* "" for the default network */
    GPtrArray *aliases, *addresses;
    char *mac;
} NetworkPlace;

static void place_free(gpointer data) {
    NetworkPlace *place = data;

    g_free(place->name);
    g_ptr_array_unref(place->aliases);
    g_ptr_array_unref(place->addresses);
    g_free(place->mac);
    g_free(place);
}

static bool read_place_option(NetworkPlace *place, const char *option, GError **error) {
    const char *value = strchr(option, '=') ? strchr(option, '=') + 1 : "";

    if (g_str_has_prefix(option, "ip=") || g_str_has_prefix(option, "ip6="))
        g_ptr_array_add(place->addresses, g_strdup(value));
    else if (g_str_has_prefix(option, "alias="))
        g_ptr_array_add(place->aliases, g_strdup(value));
    else if (g_str_has_prefix(option, "mac=")) {
        g_free(place->mac);
        place->mac = g_strdup(value);
    } else
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("--network takes ip=, ip6=, mac= and alias=, not \"%s\""), option);
    return true;
}

/* What podman and docker call the network that a container is in by default. */
static bool is_default(const char *name) {
    return g_str_equal(name, "default") || g_str_equal(name, "bridge");
}

static bool joins_container(const char *text) {
    return g_str_has_prefix(text, "container:");
}

bool dist_network_joins_container(void) {
    return given.networks && given.networks[0] && joins_container(given.networks[0]);
}

static NetworkPlace *read_endpoint(const char *text, GError **error) {
    /* The network of another container has no options. */
    g_auto(GStrv) parts = g_strsplit(text, ":", joins_container(text) ? 1 : 2);
    g_auto(GStrv) options = g_strsplit(parts[0] && parts[1] ? parts[1] : "", ",", -1);
    NetworkPlace *place = g_new0(NetworkPlace, 1);
    const char *name = parts[0] ? parts[0] : "";

    *place = (NetworkPlace){
        .name = g_strdup(is_default(name) ? "" : name),
        .aliases = g_ptr_array_new_with_free_func(g_free),
        .addresses = g_ptr_array_new_with_free_func(g_free),
    };
    for (char **option = options; *option; option++)
        if (!read_place_option(place, *option, error)) {
            place_free(place);
            return NULL;
        }
    return place;
}

/* Without --network there is one place, in the default network. */
static GPtrArray *read_places(GError **error) {
    static char *none[] = {(char *)"default", NULL};
    g_autoptr(GPtrArray) places = g_ptr_array_new_with_free_func(place_free);

    for (char **text = given.networks ? given.networks : none; *text; text++) {
        NetworkPlace *place = read_endpoint(*text, error);
        if (!place)
            return NULL;
        for (char **alias = given.aliases; alias && *alias; alias++)
            g_ptr_array_add(place->aliases, g_strdup(*alias));
        g_ptr_array_add(places, place);
    }
    return g_steal_pointer(&places);
}

static int append_list(sd_bus_message *call, const char *key, GPtrArray *list) {
    if (list->len == 0)
        return 0;
    g_ptr_array_add(list, NULL);
    int r = dist_append_strings(call, key, (char **)list->pdata);
    g_ptr_array_set_size(list, (int)list->len - 1);
    return r;
}

static int append_place(sd_bus_message *call, const NetworkPlace *place) {
    int r;

    if ((r = append_list(call, "Aliases", place->aliases)) < 0 ||
        (r = append_list(call, "StaticAddresses", place->addresses)) < 0)
        return r;
    return place->mac ? sd_bus_message_append(call, "{sv}", "MACAddress", "s", place->mac) : r;
}

/* --ip and similar options apply to one network, the first. */
static int append_first(sd_bus_message *call, NetworkPlace *place) {
    if (given.ip)
        g_ptr_array_add(place->addresses, g_strdup(given.ip));
    if (given.ip6)
        g_ptr_array_add(place->addresses, g_strdup(given.ip6));
    if (given.mac && !place->mac)
        place->mac = g_strdup(given.mac);
    int r = place->name[0] ? sd_bus_message_append(call, "{sv}", "Network", "s", place->name) : 0;
    return r < 0 ? r : append_place(call, place);
}

static int append_further(sd_bus_message *call, const GPtrArray *places) {
    int r = places->len > 1 ? dist_open_list(call, "FurtherNetworks", "(sa{sv})") : 0;

    for (guint i = 1; r >= 0 && i < places->len; i++) {
        const NetworkPlace *place = places->pdata[i];
        /* The service's name for the default network. */
        const char *name = place->name[0] ? place->name : "berth";
        if ((r = sd_bus_message_open_container(call, 'r', "sa{sv}")) < 0 ||
            (r = sd_bus_message_append(call, "s", name)) < 0 ||
            (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
            (r = append_place(call, place)) < 0 || (r = sd_bus_message_close_container(call)) < 0)
            return r;
        r = sd_bus_message_close_container(call);
    }
    return r < 0 || places->len <= 1 ? r : dist_close_list(call);
}

/* docker takes "NAME=ADDRESS" and brackets around an address of IPv6, too, and podman several names
 * with ";" between them; the service takes NAME:ADDRESS. Anything else is left to the service to
 * refuse. */
static void add_host_lines(GPtrArray *lines, const char *text) {
    size_t length = strcspn(text, ":=");
    const char *address = text[length] ? text + length + 1 : "";
    size_t size = strlen(address);
    bool is_bracketed = size > 2 && address[0] == '[' && address[size - 1] == ']';
    g_autofree char *names_text = g_strndup(text, length);
    g_auto(GStrv) names = g_strsplit(names_text, ";", -1);

    if (!names[0])
        g_ptr_array_add(lines, g_strdup(text));
    for (char **name = names; *name; name++)
        g_ptr_array_add(lines, g_strdup_printf("%s%s%.*s", *name, text[length] ? ":" : "",
                                               (int)(is_bracketed ? size - 2 : size),
                                               address + is_bracketed));
}

static int append_hosts(sd_bus_message *call) {
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

    for (char **host = given.hosts; host && *host; host++)
        add_host_lines(lines, *host);
    g_ptr_array_add(lines, NULL);
    return dist_append_strings(call, "Hosts", (char **)lines->pdata);
}

int dist_append_network(sd_bus_message *call, GError **error) {
    g_autoptr(GPtrArray) places = read_places(error);
    int r;

    if (!places)
        return -EINVAL;
    if ((r = append_first(call, places->pdata[0])) < 0 || (r = append_further(call, places)) < 0 ||
        (r = dist_append_strings(call, "DNS", given.servers)) < 0 ||
        (r = dist_append_strings(call, "DNSSearch", given.search)) < 0 ||
        (r = dist_append_strings(call, "DNSOptions", given.resolver_options)) < 0 ||
        (r = append_hosts(call)) < 0)
        return r;
    return given.no_hosts ? sd_bus_message_append(call, "{sv}", "NoHosts", "b", 1) : 0;
}
