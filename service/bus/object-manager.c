/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * org.freedesktop.DBus.ObjectManager of /org/berth1: GetManagedObjects replies with all objects, of
 * all kinds, that the caller sees, and makes the caller a watcher, which receives signals about
 * changes of them. sd-bus has its own implementation, whose reply would be the same for every
 * caller; this handler runs before it. There is no state; watchers.c sends the signals when objects
 * are added or removed later.
 */

#include "bus/object-manager.h"

#include "base/limits.h"
#include "bus/objects.h"
#include "bus/watchers.h"

#include <string.h>

typedef struct {
    BerthService *service;
    const BerthViewer *viewer;
    BerthPage *page;
} ManagedListing;

static int managed_append(sd_bus_message *item, const ManagedListing *managed,
                          const BerthObject *object) {
    g_autofree char *path = berth_object_make_path(object->kind, object->name);
    int r;

    if ((r = sd_bus_message_open_container(item, 'e', "oa{sa{sv}}")) < 0 ||
        (r = sd_bus_message_append(item, "o", path)) < 0 ||
        (r = sd_bus_message_open_container(item, 'a', "{sa{sv}}")) < 0 ||
        (r = sd_bus_message_open_container(item, 'e', "sa{sv}")) < 0 ||
        (r = sd_bus_message_append(item, "s", object->kind->interface)) < 0 ||
        (r = berth_object_append_managed(item, managed->service, managed->viewer, object)) < 0 ||
        (r = sd_bus_message_close_container(item)) < 0 ||
        (r = sd_bus_message_close_container(item)) < 0)
        return r;
    return sd_bus_message_close_container(item);
}

static int managed_add(const BerthObject *object, void *userdata) {
    const ManagedListing *managed = userdata;
    sd_bus_message *item;
    int r;

    if (strlen(object->name) > BERTH_MAX_TEXT_BYTES)
        return 1;
    if ((r = berth_page_begin(managed->page, &item)) < 0 ||
        (r = managed_append(item, managed, object)) < 0)
        return r;
    return berth_page_add(managed->page);
}

/* The method has no paging (org.freedesktop.DBus.ObjectManager in the D-Bus specification). Kinds
 * come in the order in which they were added, with as many objects as fit into a reply; complete
 * lists are available from List. */
static int managed_answer(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthService *service = userdata;
    g_auto(BerthPage) page = BERTH_PAGE_FIRST;
    BerthViewer viewer;
    int r = berth_viewer_find(call, service, &viewer);

    (void)error;
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    ManagedListing managed = {.service = service, .viewer = &viewer, .page = &page};
    r = berth_page_open(&page, call, "{oa{sa{sv}}}");
    if (r > 0)
        r = berth_objects_visit_all(service, &viewer, managed_add, &managed);
    if (r >= 0)
        berth_watchers_add_all(service->watchers, sd_bus_message_get_sender(call), viewer.others);
    return berth_page_send(&page, r);
}

static int managed_on_call(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthService *service = userdata;

    return sd_bus_message_is_method_call(call, "org.freedesktop.DBus.ObjectManager",
                                         "GetManagedObjects")
               ? berth_access_run(service->access, call, managed_answer, service, error)
               : 0;
}

/* With sd-bus's own manager at the path, Introspect also lists the interface. */
int berth_object_manager_add(BerthService *service) {
    int r = sd_bus_add_object(service->bus, NULL, BERTH_BUS_ROOT, managed_on_call, service);

    return r < 0 ? r : sd_bus_add_object_manager(service->bus, NULL, BERTH_BUS_ROOT);
}
