/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /org/berth1/networks, org.berth1.Networks, and /org/berth1/networks/LABEL, org.berth1.Network.
 * Networks belong to the administrator and have no owner; they are created here or configured for
 * CNI. A client sees a network if it sees a container in it, and all networks if it may inspect
 * objects of other users. Networks are read on each call, so there is no state. The creation and
 * deletion of one that Berth made are signalled; such a network has no containers, so the signal is
 * only for clients that see all networks.
 */

#include "containers/parts/made-networks.h"

#include "containers/spec/network-endpoints.h"

#include "base/subnet.h"
#include "bus/container-object.h"
#include "bus/objects.h"
#include "bus/options.h"
#include "bus/watchers.h"

#include <string.h>

#define PATH BERTH_BUS_ROOT "/networks"
#define COLLECTION "org.berth1.Networks"
#define INTERFACE "org.berth1.Network"

/* The data of a view, for the getters. */
typedef struct {
    const BerthNetwork *network;
    const GPtrArray *members; /* its containers that the viewer sees; NULL: none */
} NetworkData;

static const BerthNetwork *get_network(void *view) {
    return ((const NetworkData *)((const BerthView *)view)->object)->network;
}

BERTH_PROPERTY_GETTER(get_text) {
    const BerthNetwork *network = get_network(view);

    return sd_bus_message_append(reply, "s",
                                 g_str_equal(property, "Name")   ? network->name
                                 : g_str_equal(property, "Type") ? network->type
                                                                 : network->file);
}

/* Empty for a CNI network, which is described in full by its own configuration. */
BERTH_PROPERTY_GETTER(get_made) {
    static const BerthNetworkRecord none = {.bridge = (char *)"", .dns = false};
    const BerthNetworkRecord *made = get_network(view)->made;

    if (!made)
        made = &none;
    if (g_str_equal(property, "Interface"))
        return sd_bus_message_append(reply, "s", made->bridge);
    if (g_str_equal(property, "MTU"))
        return sd_bus_message_append(reply, "u", made->mtu);
    if (g_str_equal(property, "Created"))
        return sd_bus_message_append(reply, "t", made->created_usec);
    return sd_bus_message_append(reply, "b",
                                 (int)(g_str_equal(property, "DNS") ? made->dns : made->internal));
}

BERTH_PROPERTY_GETTER(get_gateways) {
    const BerthNetworkRecord *made = get_network(view)->made;
    char *gateways[3] = {NULL};

    if (made) {
        gateways[0] = made->gateway;
        gateways[1] = made->gateway6[0] ? made->gateway6 : NULL;
    }
    return sd_bus_message_append_strv(reply, gateways);
}

BERTH_PROPERTY_GETTER(get_network_labels) {
    const BerthNetworkRecord *made = get_network(view)->made;

    return berth_bus_append_labels(reply, made ? made->labels : NULL);
}

BERTH_PROPERTY_GETTER(get_subnets) {
    return sd_bus_message_append_strv(reply, get_network(view)->subnets);
}

static void free_members(gpointer members) {
    g_ptr_array_unref(members);
}

static void add_member(GHashTable *members, const char *network, BerthContainer *container) {
    GPtrArray *list = g_hash_table_lookup(members, network);

    if (!list) {
        list = g_ptr_array_new();
        g_hash_table_insert(members, g_strdup(network), list);
    }
    g_ptr_array_add(list, container);
}

/* Finds the containers in each network that the viewer sees, in one pass for all networks, so that
 * the cost of a call does not grow with every network. Valid only in this iteration of the loop. */
static GHashTable *list_members(BerthService *service, const BerthViewer *viewer) {
    g_autoptr(GPtrArray) containers = berth_containers_list(service->containers);
    GHashTable *members = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_members);

    for (guint i = 0; i < containers->len; i++) {
        const BerthContainerRecord *record = berth_container_get_record(containers->pdata[i]);
        if (!berth_viewer_sees(viewer, record->owner))
            continue;
        g_auto(GStrv) networks = berth_network_endpoints_list_networks(record);
        for (char **network = networks; *network; network++)
            add_member(members, *network, containers->pdata[i]);
    }
    return members;
}

static guint count_members(const GPtrArray *members) {
    return members ? members->len : 0;
}

BERTH_PROPERTY_GETTER(get_members) {
    const GPtrArray *members = ((const NetworkData *)((const BerthView *)view)->object)->members;
    g_autofree char **ids = g_new0(char *, count_members(members) + 1);

    for (guint i = 0; i < count_members(members); i++)
        ids[i] = berth_container_get_record(members->pdata[i])->id;
    return sd_bus_message_append_strv(reply, ids);
}

static int append_member(sd_bus_message *reply, const BerthContainer *container,
                         const char *network) {
    const BerthContainerRecord *record = berth_container_get_record(container);
    g_auto(GStrv) addresses = berth_container_list_addresses(container, network);
    g_autofree char *interface = berth_container_get_interface(container, network);
    int r;

    if ((r = sd_bus_message_open_container(reply, 'r', "sa{sv}")) < 0 ||
        (r = sd_bus_message_append(reply, "s", record->id)) < 0 ||
        (r = sd_bus_message_open_container(reply, 'a', "{sv}")) < 0 ||
        (r = berth_options_append_strings(reply, "Addresses", addresses)) < 0 ||
        (r = sd_bus_message_append(reply, "{sv}", "Interface", "s", interface)) < 0 ||
        (r = sd_bus_message_close_container(reply)) < 0)
        return r;
    return sd_bus_message_close_container(reply);
}

BERTH_PROPERTY_GETTER(get_containers) {
    const NetworkData *data = ((const BerthView *)view)->object;
    int r = sd_bus_message_open_container(reply, 'a', "(sa{sv})");

    for (guint i = 0; r >= 0 && i < count_members(data->members); i++)
        r = append_member(reply, data->members->pdata[i], data->network->name);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int networks_method_delete(sd_bus_message *call, void *userdata, sd_bus_error *ret_error);

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                            networks_method_delete, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("Name", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Type", "s", get_text, 0, 0),
    SD_BUS_PROPERTY("File", "s", get_text, 0, 0),
    SD_BUS_PROPERTY("Subnets", "as", get_subnets, 0, 0),
    SD_BUS_PROPERTY("Gateways", "as", get_gateways, 0, 0),
    SD_BUS_PROPERTY("Interface", "s", get_made, 0, 0),
    SD_BUS_PROPERTY("Internal", "b", get_made, 0, 0),
    SD_BUS_PROPERTY("DNS", "b", get_made, 0, 0),
    SD_BUS_PROPERTY("MTU", "u", get_made, 0, 0),
    SD_BUS_PROPERTY("Labels", "a{ss}", get_network_labels, 0, 0),
    SD_BUS_PROPERTY("Created", "t", get_made, 0, 0),
    SD_BUS_PROPERTY("UsedBy", "as", get_members, 0, 0),
    SD_BUS_PROPERTY("Containers", "a(sa{sv})", get_containers, 0, 0),
    SD_BUS_VTABLE_END,
};

/* others: the viewer may inspect containers of other users, and therefore all networks. */
static bool sees_network(const BerthViewer *viewer, const GPtrArray *members) {
    return viewer->others || count_members(members) > 0;
}

static int visit_networks(BerthService *service, const BerthViewer *viewer, const char *after,
                          BerthObjectVisit visit, void *userdata);

static const BerthObjectKind network_kind = {
    .interface = INTERFACE,
    .path = PATH,
    .detail = "network",
    .action = "containers.inspect",
    .vtable = vtable,
    .visit = visit_networks,
};

static int visit_networks(BerthService *service, const BerthViewer *viewer, const char *after,
                          BerthObjectVisit visit, void *userdata) {
    int r = 1;

    /* The default network is created when it is first looked for, so that a listing shows the
     * network that a container gets if it asks for none. */
    berth_network_make_default(service->containers);
    g_autoptr(GPtrArray) networks = berth_networks_list(service->containers);
    g_autoptr(GHashTable) members = list_members(service, viewer);

    for (guint i = 0; r > 0 && i < networks->len; i++) {
        const BerthNetwork *network = networks->pdata[i];
        NetworkData data = {network, g_hash_table_lookup(members, network->name)};
        const BerthObject object = {.kind = &network_kind, .name = network->name, .data = &data};
        if (strcmp(network->name, after) > 0 && sees_network(viewer, data.members))
            r = visit(&object, userdata);
    }
    return r;
}

/* The view owns the network, which is taken out of the list, until network_close(). A network that
 * the caller does not see leads to NotFound, like one that does not exist. */
static int network_open(sd_bus_message *call, BerthView *view, sd_bus_error *error) {
    g_autofree char *name = berth_object_read_path(&network_kind, sd_bus_message_get_path(call));
    int r = berth_viewer_find(call, view->service, &view->viewer);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    g_autoptr(GPtrArray) networks = berth_networks_list(view->service->containers);
    g_autoptr(GHashTable) all = list_members(view->service, &view->viewer);
    GPtrArray *members = name ? g_hash_table_lookup(all, name) : NULL;
    for (guint i = 0; name && i < networks->len; i++) {
        const BerthNetwork *network = networks->pdata[i];
        if (!g_str_equal(network->name, name) || !sees_network(&view->viewer, members))
            continue;
        NetworkData *data = g_new0(NetworkData, 1);
        data->network = g_ptr_array_steal_index(networks, i);
        data->members = members ? g_ptr_array_ref(members) : NULL;
        view->object = data;
        return r;
    }
    return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "NotFound", "there is no network \"%.100s\"",
                             name ? name : "");
}

static void network_close(BerthView *view) {
    NetworkData *data = view->object;

    berth_network_free((BerthNetwork *)data->network);
    if (data->members)
        g_ptr_array_unref((GPtrArray *)data->members);
    g_free(data);
}

/* Appends a subnet in its canonical form: 10.90.0.0/8 means 10.0.0.0/8, which a rule that compares
 * the beginning of the text would not permit. What cannot be parsed is refused after the check. */
static void add_wanted_subnet(GString *text, const char *wanted) {
    BerthSubnet subnet;

    if (!wanted)
        return;
    g_autofree char *canonical =
        berth_subnet_parse(wanted, &subnet, NULL) ? berth_subnet_format(&subnet) : g_strdup(wanted);
    g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", canonical);
}

/* Strings in network belong to the message; the domain function copies the ones it keeps. */
static int networks_method_create(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    BerthNetworkOptions network = {.ipv6 = true, .dns = true};
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) labels = NULL;
    const BerthOption options[] = {
        {"Subnet", "s", &network.subnet},     {"Gateway", "s", &network.gateway},
        {"IPv6", "b", &network.ipv6},         {"Subnet6", "s", &network.subnet6},
        {"Gateway6", "s", &network.gateway6}, {"Internal", "b", &network.internal},
        {"DNS", "b", &network.dns},           {"MTU", "u", &network.mtu},
        {"Labels", "a{ss}", &labels},         {NULL, NULL, NULL},
    };
    int r;

    if ((r = sd_bus_message_read(call, "s", &network.name)) < 0 ||
        (r = berth_options_read(call, options, ret_error)) < 0)
        return r;
    network.labels = labels;
    /* The subnets chosen by the caller are a detail for rules: the host routes everything for their
     * addresses to the network, even if they are used elsewhere. */
    g_autoptr(GString) subnets = g_string_new(NULL);
    add_wanted_subnet(subnets, network.subnet);
    add_wanted_subnet(subnets, network.subnet6);
    r = berth_access_check(service->access, call, ret_error, "manage", "network", network.name,
                           "subnet", subnets->len > 0 ? subnets->str : NULL, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (!berth_network_create(service->containers, &network, &error))
        return berth_bus_error_set(ret_error, error);
    g_autofree char *path = berth_object_make_path(&network_kind, network.name);
    return sd_bus_reply_method_return(call, "o", path);
}

/* Shared by the collection and the network's object. */
static int networks_method_delete(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    g_autofree char *name = NULL;
    uint32_t user;
    int r;

    if ((r = berth_object_read_name(&network_kind, call, &name)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0 ||
        (r = berth_access_get_uid(service->access, call, &user)) != BERTH_ACCESS_GRANTED)
        return r;
    r = berth_access_check(service->access, call, ret_error, "manage", "network", name, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    return berth_network_delete(service->containers, name, user, &error)
               ? sd_bus_reply_method_return(call, NULL)
               : berth_bus_error_set(ret_error, error);
}

static void on_network_change(const BerthNetwork *network, bool added, void *userdata) {
    BerthService *service = userdata;
    NetworkData data = {network, NULL};
    const BerthObject object = {.kind = &network_kind, .name = network->name, .data = &data};

    if (added)
        berth_watchers_send_added(service->watchers, &object);
    else
        berth_watchers_send_removed(service->watchers, &object);
}

static const sd_bus_vtable list_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Create", SD_BUS_ARGS("s", name, "a{sv}", options),
                            SD_BUS_RESULT("o", network), networks_method_create,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("s", name, "a{sv}", options), SD_BUS_NO_RESULT,
                            networks_method_delete, SD_BUS_VTABLE_UNPRIVILEGED),
    BERTH_OBJECTS_LIST(networks),
    SD_BUS_VTABLE_END,
};

int berth_networks_bus_add(BerthService *service) {
    static const BerthPropertySource source = {
        .interface = INTERFACE, .vtable = vtable, .open = network_open, .close = network_close};
    int r;

    berth_networks_observe(service->containers, on_network_change, service);
    r = berth_objects_add_kind(service, &network_kind, &source);
    return r < 0 ? r : berth_objects_add_collection(service, PATH, COLLECTION, list_vtable);
}
