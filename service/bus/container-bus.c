/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* /org/berth1/containers/LABEL, org.berth1.Container: one container as an object. The id is taken
 * from the path at every call, since a container may be gone while polkit is asked. */

#include "bus/container-object.h"
#include "bus/dispatch.h"
#include "bus/properties.h"
#include "bus/subscribers.h"

#include <string.h>

static BerthContainer *find_by_path(BerthService *service, const char *path) {
    g_autofree char *id = berth_container_read_path(path);

    return id ? berth_containers_find(service->containers, id, NULL) : NULL;
}

static int container_bus_check(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                               BerthContainer **container) {
    g_autofree char *id = berth_container_read_path(sd_bus_message_get_path(call));

    return berth_container_check(call, service, error, id ? id : "", container);
}

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    BerthContainer *container = find_by_path(userdata, path);

    (void)bus;
    (void)interface;
    (void)error;
    if (!container)
        return sd_bus_message_append(reply, "s", "");
    const BerthContainerRecord *record = berth_container_get_record(container);
    return sd_bus_message_append(
        reply, "s",
        g_str_equal(property, "Id")        ? record->id
        : g_str_equal(property, "Image")   ? record->image
        : g_str_equal(property, "Restart") ? berth_restart_policy_get_name(record->restart)
        : g_str_equal(property, "Network") ? record->network
        : g_str_equal(property, "Health")  ? berth_container_get_health(container)
        : g_str_equal(property, "Scope")   ? berth_container_get_scope(container)
                                           : berth_container_state_get_name(record->state));
}

static int get_number(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    BerthContainer *container = find_by_path(userdata, path);
    const BerthContainerRecord *record = container ? berth_container_get_record(container) : NULL;

    (void)bus;
    (void)interface;
    (void)error;
    if (g_str_equal(property, "ExitStatus"))
        return sd_bus_message_append(reply, "i",
                                     record ? record->first.status : BERTH_STATUS_UNKNOWN);
    if (g_str_equal(property, "Owner"))
        return sd_bus_message_append(reply, "u", record ? record->owner : 0);
    bool runs = record && (record->state == BERTH_CONTAINER_RUNNING ||
                           record->state == BERTH_CONTAINER_PAUSED);
    return sd_bus_message_append(reply, "u", runs ? record->first.pid : 0);
}

static int get_time(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    BerthContainer *container = find_by_path(userdata, path);
    const BerthContainerRecord *record = container ? berth_container_get_record(container) : NULL;

    (void)bus;
    (void)interface;
    (void)error;
    return sd_bus_message_append(reply, "t",
                                 !record                            ? (uint64_t)0
                                 : g_str_equal(property, "Created") ? record->created_usec
                                 : g_str_equal(property, "Started") ? record->first.started_usec
                                                                    : record->first.exited_usec);
}

static int get_flag(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    BerthContainer *container = find_by_path(userdata, path);
    const BerthContainerRecord *record = container ? berth_container_get_record(container) : NULL;

    (void)bus;
    (void)interface;
    (void)error;
    return sd_bus_message_append(
        reply, "b",
        record && (g_str_equal(property, "Terminal") ? record->terminal : record->autostart));
}

static int get_list(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    BerthContainer *container = find_by_path(userdata, path);
    g_auto(GStrv) list = !container ? NULL
                         : g_str_equal(property, "Ports")
                             ? berth_container_list_ports(container)
                             : berth_container_list_addresses(container);

    (void)bus;
    (void)interface;
    (void)error;
    return sd_bus_message_append_strv(reply, list);
}

static int get_labels(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    BerthContainer *container = find_by_path(userdata, path);

    (void)bus;
    (void)interface;
    (void)property;
    (void)error;
    return berth_bus_append_labels(reply, container ? berth_container_get_record(container)->labels
                                                    : NULL);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    BERTH_CONTAINER_METHODS(),
    SD_BUS_PROPERTY("Id", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Image", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("State", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Pid", "u", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("ExitStatus", "i", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Scope", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Owner", "u", get_number, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Labels", "a{ss}", get_labels, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Terminal", "b", get_flag, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Autostart", "b", get_flag, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Restart", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Ports", "as", get_list, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Addresses", "as", get_list, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Health", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Network", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Created", "t", get_time, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Started", "t", get_time, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Exited", "t", get_time, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_VTABLE_END,
};

int berth_container_append_properties(sd_bus_message *message, BerthService *service,
                                      const char *id) {
    g_autofree char *path = berth_container_make_path(id);

    return berth_properties_append_all(service->bus, message, path, BERTH_CONTAINER_INTERFACE,
                                       vtable, service);
}

sd_bus_message *berth_container_new_changed(BerthService *service, const char *id) {
    g_autofree char *path = berth_container_make_path(id);
    g_autoptr(sd_bus_message) signal = NULL;

    if (sd_bus_message_new_signal(service->bus, &signal, path, "org.freedesktop.DBus.Properties",
                                  "PropertiesChanged") < 0 ||
        sd_bus_message_append(signal, "s", BERTH_CONTAINER_INTERFACE) < 0 ||
        berth_container_append_properties(signal, service, id) < 0 ||
        sd_bus_message_append(signal, "as", 0) < 0)
        return NULL;
    return g_steal_pointer(&signal);
}

static int answer_properties(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthService *service = userdata;
    BerthContainer *container;

    int r = container_bus_check(call, service, error, &container);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (berth_properties_is_get_all(call) && !berth_subscriber_is_watching(call, service)) {
        BerthSubscriber subscriber;
        r = berth_subscriber_find(call, service, &subscriber);
        if (r != BERTH_ACCESS_GRANTED)
            return r;
        berth_subscriber_watch(call, service, &subscriber);
    }
    return berth_properties_answer(service->bus, call, BERTH_CONTAINER_INTERFACE, vtable, service,
                                   error);
}

static int on_properties(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthService *service = userdata;

    return berth_properties_is_call(call)
               ? berth_access_run(service->access, call, answer_properties, service, error)
               : 0;
}

/* Every id has an object, whether there is such a container or not: what sd-bus itself answers, to
 * introspection and to arguments of a wrong type, then tells nothing. The methods and the
 * properties say what the caller may know. */
static int find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **found,
                sd_bus_error *error) {
    g_autofree char *id = berth_container_read_path(path);

    (void)bus;
    (void)interface;
    (void)error;
    *found = userdata;
    /* The manager's own path. */
    return id && id[0] != '\0';
}

int berth_container_bus_add(BerthService *service) {
    int r = sd_bus_add_fallback(service->bus, NULL, BERTH_CONTAINER_PREFIX, on_properties, service);

    return r < 0 ? r
                 : berth_dispatch_add(service, BERTH_CONTAINER_PREFIX, BERTH_CONTAINER_INTERFACE,
                                      vtable, find);
}
