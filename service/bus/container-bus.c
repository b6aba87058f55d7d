/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /org/berth1/containers/LABEL, org.berth1.Container: one container as a bus object. Containers are
 * owned by containers/; this file has the getters of the properties, and the order in which
 * containers are listed. The methods are in container-methods.c and its neighbours, which the
 * manager shares. The one thing to know: the ID is read from the path each time a handler runs,
 * since the container may have been deleted by the time polkit answers.
 */

#include "bus/container-object.h"
#include "bus/objects.h"
#include "bus/watchers.h"
#include "containers/parts/volumes.h"
#include "containers/spec/network-endpoints.h"
#include "systemd/scope.h"
#include "systemd/unit-properties.h"

#include <string.h>

/* Returns the container of a view. A view is created for each container that is shown. */
static BerthContainer *get_container(void *userdata) {
    return ((const BerthView *)userdata)->object;
}

BERTH_PROPERTY_GETTER(get_text) {
    const BerthContainer *container = get_container(view);
    const BerthContainerRecord *record = berth_container_get_record(container);

    return sd_bus_message_append(
        reply, "s",
        g_str_equal(property, "Id")        ? record->id
        : g_str_equal(property, "Image")   ? record->image
        : g_str_equal(property, "Restart") ? berth_restart_policy_get_name(record->restart)
        : g_str_equal(property, "Network") ? record->network
        : g_str_equal(property, "Health")  ? berth_container_get_health(container)
        : g_str_equal(property, "State")   ? berth_container_state_get_name(record->state)
                                           : berth_container_get_scope(container));
}

BERTH_PROPERTY_GETTER(get_unit) {
    g_autofree char *unit = berth_container_get_unit(get_container(view));

    return sd_bus_message_append(reply, "s", unit);
}

BERTH_PROPERTY_GETTER(get_bound_unit) {
    g_autofree char *unit = berth_container_get_bound_unit(get_container(view));

    return sd_bus_message_append(reply, "s", unit ? unit : "");
}

BERTH_PROPERTY_GETTER(get_container_pod) {
    g_autofree char *pod = berth_container_get_pod(get_container(view));

    return sd_bus_message_append(reply, "s", pod ? pod : "");
}

BERTH_PROPERTY_GETTER(get_cgroup) {
    g_autofree char *cgroup = berth_container_get_cgroup(get_container(view));

    return sd_bus_message_append(reply, "s", cgroup ? cgroup : "");
}

BERTH_PROPERTY_GETTER(get_number) {
    const BerthContainer *container = get_container(view);
    const BerthContainerRecord *record = berth_container_get_record(container);

    if (g_str_equal(property, "ExitStatus"))
        return sd_bus_message_append(reply, "i", record->first.status);
    if (g_str_equal(property, "Owner"))
        return sd_bus_message_append(reply, "u", record->owner);
    if (g_str_equal(property, "RestartCount"))
        return sd_bus_message_append(reply, "u", berth_container_count_restarts(container));
    /* The record keeps the PID of the last run, which may belong to another process by now. */
    bool runs = record->state == BERTH_CONTAINER_RUNNING || record->state == BERTH_CONTAINER_PAUSED;
    return sd_bus_message_append(reply, "u", runs ? record->first.pid : 0);
}

BERTH_PROPERTY_GETTER(get_long_number) {
    const BerthContainer *container = get_container(view);
    const BerthContainerRecord *record = berth_container_get_record(container);

    return sd_bus_message_append(reply, "t",
                                 g_str_equal(property, "Created")   ? record->created_usec
                                 : g_str_equal(property, "Started") ? record->first.started_usec
                                 : g_str_equal(property, "Exited")
                                     ? record->first.exited_usec
                                     : berth_container_get_pidfd_id(container));
}

BERTH_PROPERTY_GETTER(get_flag) {
    const BerthContainer *container = get_container(view);
    const BerthContainerRecord *record = berth_container_get_record(container);

    return sd_bus_message_append(reply, "b",
                                 (int)(g_str_equal(property, "Terminal") ? record->terminal
                                       : g_str_equal(property, "OOMKilled")
                                           ? berth_container_was_oom_killed(container)
                                           : record->autostart));
}

static char **list_endpoint_networks(const BerthContainer *container) {
    return berth_network_endpoints_list_networks(berth_container_get_record(container));
}

BERTH_PROPERTY_GETTER(get_list) {
    const BerthContainer *container = get_container(view);
    g_auto(GStrv) list =
        g_str_equal(property, "Ports")
            ? berth_container_list_ports(berth_container_get_network_holder(container))
        : g_str_equal(property, "Networks") ? list_endpoint_networks(container)
        : g_str_equal(property, "Volumes")
            ? berth_volumes_list_of(berth_container_get_record(container))
        : g_str_equal(property, "Command") ? berth_container_get_command(container)
                                           : berth_container_list_addresses(container, NULL);

    return sd_bus_message_append_strv(reply, list);
}

BERTH_PROPERTY_GETTER(get_labels) {
    return berth_bus_append_labels(reply, berth_container_get_record(get_container(view))->labels);
}

/* Returns the resource properties of the scope. Those about devices are left out, since they are
 * permissions and not limits. */
BERTH_PROPERTY_GETTER(get_limits) {
    GVariant *properties = berth_container_get_record(get_container(view))->properties;
    GVariantIter iterator;
    const char *name;
    GVariant *value;
    int r = sd_bus_message_open_container(reply, 'a', "{sv}");

    if (properties)
        g_variant_iter_init(&iterator, properties);
    while (r >= 0 && properties && g_variant_iter_next(&iterator, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) owned = value;
        if (g_str_has_prefix(name, "Device"))
            continue;
        if ((r = sd_bus_message_open_container(reply, 'e', "sv")) < 0 ||
            (r = sd_bus_message_append(reply, "s", name)) < 0 ||
            (r = berth_unit_append_value(reply, owned)) < 0)
            return r;
        r = sd_bus_message_close_container(reply);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

BERTH_PROPERTY_GETTER(get_environment) {
    return sd_bus_message_append_strv(
        reply, berth_container_get_configuration(get_container(view))->environment);
}

static int append_mount(sd_bus_message *reply, const BerthMountInfo *mount) {
    int r;

    if ((r = sd_bus_message_open_container(reply, 'r', "sa{sv}")) < 0 ||
        (r = sd_bus_message_append(reply, "s", mount->destination)) < 0 ||
        (r = sd_bus_message_open_container(reply, 'a', "{sv}")) < 0 ||
        (r = sd_bus_message_append(reply, "{sv}{sv}", "Type", "s", mount->type, "Source", "s",
                                   mount->source)) < 0 ||
        (r = sd_bus_message_open_container(reply, 'e', "sv")) < 0 ||
        (r = sd_bus_message_append(reply, "s", "Options")) < 0 ||
        (r = sd_bus_message_open_container(reply, 'v', "as")) < 0 ||
        (r = sd_bus_message_append_strv(reply, mount->options)) < 0 ||
        (r = sd_bus_message_close_container(reply)) < 0 ||
        (r = sd_bus_message_close_container(reply)) < 0 ||
        (r = sd_bus_message_close_container(reply)) < 0)
        return r;
    return sd_bus_message_close_container(reply);
}

BERTH_PROPERTY_GETTER(get_mounts) {
    const BerthConfiguration *configuration =
        berth_container_get_configuration(get_container(view));
    int r = sd_bus_message_open_container(reply, 'a', "(sa{sv})");

    for (guint i = 0; r >= 0 && i < configuration->mounts->len; i++)
        r = append_mount(reply, configuration->mounts->pdata[i]);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Properties read from the configuration, which is long and in a file. They are left out of
 * GetManagedObjects and InterfacesAdded. */
#define CONFIGURED (SD_BUS_VTABLE_PROPERTY_CONST | SD_BUS_VTABLE_PROPERTY_EXPLICIT)

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    BERTH_CONTAINER_METHODS(),
    SD_BUS_PROPERTY("Id", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Image", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("State", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Pid", "u", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("PidFDId", "t", get_long_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("ExitStatus", "i", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("OOMKilled", "b", get_flag, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Scope", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Unit", "s", get_unit, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("BoundTo", "s", get_bound_unit, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Cgroup", "s", get_cgroup, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Pod", "s", get_container_pod, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Owner", "u", get_number, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Labels", "a{ss}", get_labels, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Terminal", "b", get_flag, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Autostart", "b", get_flag, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Restart", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("RestartCount", "u", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Limits", "a{sv}", get_limits, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Ports", "as", get_list, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Addresses", "as", get_list, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Health", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Network", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Networks", "as", get_list, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Volumes", "as", get_list, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Created", "t", get_long_number, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Started", "t", get_long_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Exited", "t", get_long_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    /* At the end, because a reply that would be too large is cut there. */
    SD_BUS_PROPERTY("Command", "as", get_list, 0, CONFIGURED),
    SD_BUS_PROPERTY("Env", "as", get_environment, 0, CONFIGURED),
    SD_BUS_PROPERTY("Mounts", "a(sa{sv})", get_mounts, 0, CONFIGURED),
    SD_BUS_VTABLE_END,
};

static BerthObject make_container_object(BerthContainer *container) {
    const BerthContainerRecord *record = berth_container_get_record(container);

    return (BerthObject){&berth_container_kind, record->id, true, record->owner, container};
}

/* Lists active containers first, and the newest first within each group, since a reply without
 * paging may not have room for all. */
static int visit_active_first(BerthService *service, const BerthViewer *viewer,
                              BerthObjectVisit visit, void *userdata) {
    g_autoptr(GPtrArray) list = berth_containers_list(service->containers);
    int r = 1;

    for (int active = 1; active >= 0; active--)
        for (guint i = list->len; r > 0 && i-- > 0;) {
            const BerthObject object = make_container_object(list->pdata[i]);
            const BerthContainerState state = berth_container_get_record(list->pdata[i])->state;
            bool is_active = state == BERTH_CONTAINER_RUNNING || state == BERTH_CONTAINER_PAUSED;
            if (is_active == active && !berth_container_is_pod(list->pdata[i]) &&
                berth_viewer_sees(viewer, object.owner))
                r = visit(&object, userdata);
        }
    return r;
}

static int visit_container_objects(BerthService *service, const BerthViewer *viewer,
                                   const char *after, BerthObjectVisit visit, void *userdata) {
    g_autoptr(GPtrArray) list = berth_containers_list_by_id(service->containers);
    int r = 1;

    for (guint i = 0; r > 0 && i < list->len; i++) {
        const BerthObject object = make_container_object(list->pdata[i]);
        if (!berth_container_is_pod(list->pdata[i]) && berth_viewer_sees(viewer, object.owner) &&
            strcmp(object.name, after) > 0)
            r = visit(&object, userdata);
    }
    return r;
}

const BerthObjectKind berth_container_kind = {
    .interface = BERTH_CONTAINER_INTERFACE,
    .path = BERTH_CONTAINER_PREFIX,
    .detail = "container",
    .action = "containers.inspect",
    .vtable = vtable,
    .visit = visit_container_objects,
    .visit_urgent = visit_active_first,
};

int berth_container_append_properties(sd_bus_message *message, BerthService *service,
                                      BerthContainer *container) {
    g_autofree char *path = berth_container_make_path(berth_container_get_record(container)->id);
    BerthView view = {.service = service, .object = container};

    return berth_properties_append_all(service->bus, message, path, BERTH_CONTAINER_INTERFACE,
                                       vtable, &view);
}

static int container_open(sd_bus_message *call, BerthView *view, sd_bus_error *error) {
    BerthService *service = view->service;
    const char *path = sd_bus_message_get_path(call);
    g_autofree char *id = berth_container_read_path(path);
    BerthContainer *container;
    int r = berth_container_check(call, service, error, id ? id : "", &container);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    view->object = container;
    if (berth_properties_is_get_all(call))
        berth_watchers_add(service->watchers, sd_bus_message_get_sender(call), path);
    return r;
}

int berth_container_bus_add(BerthService *service) {
    static const BerthPropertySource source = {
        .interface = BERTH_CONTAINER_INTERFACE, .vtable = vtable, .open = container_open};

    return berth_objects_add_kind(service, &berth_container_kind, &source);
}
