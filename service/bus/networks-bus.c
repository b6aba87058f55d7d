/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /org/berth1/networks, org.berth1.Networks, and /org/berth1/networks/LABEL, org.berth1.Network.
 * Networks are files of the administrator and have no owner. A client sees a network if it sees a
 * container in it, and all networks if it may inspect what others own. The files are read at each
 * call, so that there is no state and no signal about them.
 */

#include "containers/parts/networks.h"

#include "bus/container-object.h"
#include "bus/objects.h"

#include <string.h>

#define PATH BERTH_BUS_ROOT "/networks"
#define COLLECTION "org.berth1.Networks"
#define INTERFACE "org.berth1.Network"

static const BerthNetwork *get_network(void *view) {
    return ((const BerthView *)view)->object;
}

BERTH_PROPERTY_GETTER(get_text) {
    const BerthNetwork *network = get_network(view);

    return sd_bus_message_append(reply, "s",
                                 g_str_equal(property, "Name")   ? network->name
                                 : g_str_equal(property, "Type") ? network->type
                                                                 : network->file);
}

BERTH_PROPERTY_GETTER(get_subnets) {
    return sd_bus_message_append_strv(reply, get_network(view)->subnets);
}

/* The ids of those containers in a network that the viewer sees. The caller owns the array, but not
 * the strings, which are the containers'. */
static GPtrArray *list_members(const BerthView *view, const char *network) {
    g_autoptr(GPtrArray) containers = berth_containers_list(view->service->containers);
    GPtrArray *members = g_ptr_array_new();

    for (guint i = 0; i < containers->len; i++) {
        const BerthContainerRecord *record = berth_container_get_record(containers->pdata[i]);
        if (berth_viewer_sees(&view->viewer, record->owner) &&
            g_strcmp0(record->network, network) == 0)
            g_ptr_array_add(members, record->id);
    }
    return members;
}

BERTH_PROPERTY_GETTER(get_members) {
    g_autoptr(GPtrArray) members = list_members(view, get_network(view)->name);

    g_ptr_array_add(members, NULL);
    return sd_bus_message_append_strv(reply, (char **)members->pdata);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Name", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Type", "s", get_text, 0, 0),
    SD_BUS_PROPERTY("File", "s", get_text, 0, 0),
    SD_BUS_PROPERTY("Subnets", "as", get_subnets, 0, 0),
    SD_BUS_PROPERTY("UsedBy", "as", get_members, 0, 0),
    SD_BUS_VTABLE_END,
};

static bool sees_network(BerthService *service, const BerthViewer *viewer, const char *name) {
    const BerthView view = {.service = service, .viewer = *viewer};

    if (viewer->others)
        return true;
    g_autoptr(GPtrArray) members = list_members(&view, name);
    return members->len > 0;
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
    g_autoptr(GPtrArray) networks = berth_networks_list();
    int r = 1;

    for (guint i = 0; r > 0 && i < networks->len; i++) {
        const BerthNetwork *network = networks->pdata[i];
        const BerthObject object = {
            .kind = &network_kind, .name = network->name, .data = (void *)network};
        if (strcmp(network->name, after) > 0 && sees_network(service, viewer, network->name))
            r = visit(&object, userdata);
    }
    return r;
}

/* The view takes the network out of the list and owns it until network_close(). A network that the
 * caller does not see is NotFound, as one that does not exist. */
static int network_open(sd_bus_message *call, BerthView *view, sd_bus_error *error) {
    g_autofree char *name = berth_object_read_path(&network_kind, sd_bus_message_get_path(call));
    int r = berth_viewer_find(call, view->service, &view->viewer);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    g_autoptr(GPtrArray) networks = berth_networks_list();
    for (guint i = 0; name && i < networks->len; i++) {
        const BerthNetwork *network = networks->pdata[i];
        if (!g_str_equal(network->name, name) || !sees_network(view->service, &view->viewer, name))
            continue;
        view->object = g_ptr_array_steal_index(networks, i);
        return r;
    }
    return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "NotFound", "there is no network \"%.100s\"",
                             name ? name : "");
}

static void network_close(BerthView *view) {
    berth_network_free(view->object);
}

static const sd_bus_vtable list_vtable[] = {
    SD_BUS_VTABLE_START(0),
    BERTH_OBJECTS_LIST(networks),
    SD_BUS_VTABLE_END,
};

int berth_networks_bus_add(BerthService *service) {
    static const BerthPropertySource source = {
        .interface = INTERFACE, .vtable = vtable, .open = network_open, .close = network_close};
    int r = berth_objects_add_kind(service, &network_kind, &source);

    return r < 0 ? r : berth_objects_add_collection(service, PATH, COLLECTION, list_vtable);
}
