/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is told of containers, and to whom: events, changed properties, and the object manager on
 * /org/berth1. Everything is sent to each who may see it, and broadcast to nobody. */

#include "base/operation.h"
#include "bus/container-object.h"
#include "bus/creators.h"
#include "bus/subscribers.h"
#include "bus/unicast.h"
#include "bus/watchers.h"

#define MANAGER "org.berth1.Containers"

int berth_container_append_event(sd_bus_message *message, const BerthEvent *event) {
    return sd_bus_message_append(message, "tssa{sv}", event->sequence, event->kind, event->id, 4,
                                 "Process", "s", event->process, "Pid", "u", event->pid, "Status",
                                 "i", (int32_t)event->status, "Time", "t", event->time_usec);
}

/* What is its own a client may always see. */
static void send_to(BerthService *service, const BerthSubscriber *subscriber,
                    const BerthEvent *event, const char *destination, sd_bus_message *signal) {
    const BerthSignalRight right = {subscriber->uid == event->owner ? NULL : "containers.inspect",
                                    "container", event->id};

    berth_unicast_send(service->unicast, destination, signal, &right);
}

static void send_event(BerthService *service, const BerthSubscriber *subscriber,
                       const BerthEvent *event, const char *destination) {
    g_autoptr(sd_bus_message) signal = NULL;

    if (sd_bus_message_new_signal(service->bus, &signal, BERTH_CONTAINER_PREFIX, MANAGER,
                                  "Event") >= 0 &&
        berth_container_append_event(signal, event) >= 0)
        send_to(service, subscriber, event, destination, g_steal_pointer(&signal));
}

static void send_object_change(BerthService *service, const BerthSubscriber *subscriber,
                               const BerthEvent *event, const char *destination) {
    g_autofree char *path = berth_container_make_path(event->id);
    g_autoptr(sd_bus_message) signal = NULL;
    bool added = g_str_equal(event->kind, "create");
    int r;

    if (!added && !g_str_equal(event->kind, "delete")) {
        send_to(service, subscriber, event, destination,
                berth_container_new_changed(service, event->id));
        return;
    }
    r = sd_bus_message_new_signal(service->bus, &signal, BERTH_BUS_ROOT,
                                  "org.freedesktop.DBus.ObjectManager",
                                  added ? "InterfacesAdded" : "InterfacesRemoved");
    if (r < 0 || sd_bus_message_append(signal, "o", path) < 0)
        return;
    if (!added)
        r = sd_bus_message_append(signal, "as", 1, BERTH_CONTAINER_INTERFACE);
    else if ((r = sd_bus_message_open_container(signal, 'a', "{sa{sv}}")) >= 0 &&
             (r = sd_bus_message_open_container(signal, 'e', "sa{sv}")) >= 0 &&
             (r = sd_bus_message_append(signal, "s", BERTH_CONTAINER_INTERFACE)) >= 0 &&
             (r = berth_container_append_properties(signal, service, event->id)) >= 0 &&
             (r = sd_bus_message_close_container(signal)) >= 0)
        r = sd_bus_message_close_container(signal);
    if (r >= 0)
        send_to(service, subscriber, event, destination, g_steal_pointer(&signal));
}

static void on_event(const BerthEvent *event, BerthContainer *container, void *userdata) {
    BerthService *service = userdata;
    GHashTableIter iterator;
    gpointer name, value;

    bool deleted = g_str_equal(event->kind, "delete");

    if (deleted)
        berth_creators_forget(service, event->id);
    if (container && (deleted || g_str_equal(event->kind, "create")))
        berth_image_object_tell_users(service, berth_container_get_record(container)->image);
    g_hash_table_iter_init(&iterator, service->subscribers);
    while (g_hash_table_iter_next(&iterator, &name, &value)) {
        if (!berth_subscriber_sees(value, event->owner))
            continue;
        send_object_change(service, value, event, name);
        if (((const BerthSubscriber *)value)->events)
            send_event(service, value, event, name);
    }
}

static void on_peer_left(const char *peer, void *userdata) {
    BerthService *service = userdata;

    g_hash_table_remove(service->subscribers, peer);
    berth_creators_forget_peer(service, peer);
    berth_unicast_forget(service->unicast, peer);
    berth_watchers_forget(service->watchers, peer);
    berth_containers_forget_client(service->containers, peer);
    /* Nothing that it alone wanted goes on; and a container that is never started would be waited
     * for without an end. */
    g_autoptr(GPtrArray) calls = g_ptr_array_copy(service->waiting, NULL, NULL);
    for (guint i = 0; i < calls->len; i++) {
        BerthPendingCall *pending = calls->pdata[i];
        if (!g_ptr_array_find(service->waiting, pending, NULL) ||
            g_strcmp0(sd_bus_message_get_sender(pending->call), peer) != 0)
            continue;
        if (berth_containers_forget_wait(service->containers, pending))
            berth_pending_call_free(pending);
        else
            berth_operations_cancel_of_caller(pending);
    }
    berth_operations_cancel_of_client(peer);
}

static bool is_active(const BerthContainerRecord *record) {
    return record->state == BERTH_CONTAINER_RUNNING || record->state == BERTH_CONTAINER_PAUSED;
}

static int append_object(sd_bus_message *message, BerthService *service,
                         const BerthObject *object) {
    return berth_container_append_properties(message, service, object->name);
}

static int visit_containers(BerthService *service, const BerthViewer *viewer, const char *after,
                            BerthObjectVisit visit, void *userdata);

static const BerthObjectKind container_kind = {
    .interface = BERTH_CONTAINER_INTERFACE,
    .path = BERTH_CONTAINER_PREFIX,
    .detail = "container",
    .action = "containers.inspect",
    .visit = visit_containers,
    .append = append_object,
};

/* Those that run come first, then the newest: a reply that knows no pages may not hold all. */
static int visit_containers(BerthService *service, const BerthViewer *viewer, const char *after,
                            BerthObjectVisit visit, void *userdata) {
    g_autoptr(GPtrArray) list = berth_containers_list(service->containers);
    int r = 1;

    (void)after;
    for (int active = 1; active >= 0; active--)
        for (guint i = list->len; r > 0 && i-- > 0;) {
            const BerthContainerRecord *record = berth_container_get_record(list->pdata[i]);
            const BerthObject object = {&container_kind, record->id, true, record->owner, NULL};
            if (is_active(record) == active && berth_viewer_sees(viewer, record->owner))
                r = visit(&object, userdata);
        }
    return r;
}

int berth_container_signals_add(BerthService *service) {
    berth_containers_observe(service->containers, on_event, service);
    berth_access_on_peer_left(service->access, on_peer_left, service);
    return berth_objects_add_kind(service, &container_kind);
}
