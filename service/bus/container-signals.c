/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sends the events of containers: first the signals about the object to its watchers, then the
 * signal Event to each subscriber that may see the container. Nothing is broadcast. There is no
 * state here; the service owns subscribers and watchers. This file also cleans up after a client
 * that has left the bus, since most of what a client leaves behind is about containers. The one
 * thing to know: an event is recorded before it is sent, so that EventsSince returns every event
 * that a subscriber has received.
 */

#include "base/operation.h"
#include "bus/container-object.h"
#include "bus/creators.h"
#include "bus/images-object.h"
#include "bus/subscribers.h"
#include "bus/unicast.h"
#include "bus/watchers.h"

#define MANAGER "org.berth1.Containers"

int berth_container_append_event(sd_bus_message *message, const BerthEvent *event) {
    return sd_bus_message_append(message, "tssa{sv}", event->sequence, event->kind, event->id, 4,
                                 "Process", "s", event->process, "Pid", "u", event->pid, "Status",
                                 "i", (int32_t)event->status, "Time", "t", event->time_usec);
}

static void send_event(BerthService *service, const BerthViewer *subscriber,
                       const BerthEvent *event, const char *destination) {
    g_autoptr(sd_bus_message) signal = NULL;
    /* A client may always see its own containers. */
    const BerthSignalRight right = {subscriber->uid == event->owner ? NULL : "containers.inspect",
                                    "container", event->id};

    if (sd_bus_message_new_signal(service->bus, &signal, BERTH_CONTAINER_PREFIX, MANAGER,
                                  "Event") >= 0 &&
        berth_container_append_event(signal, event) >= 0)
        berth_unicast_send(service->unicast, destination, g_steal_pointer(&signal), &right);
}

/* The properties changed by a kind of event. Other kinds change no properties. */
typedef struct {
    const char *kind, *changed[12];
} EventChange;

static const EventChange container_changes[] = {
    {"start",
     {"State", "Pid", "PidFDId", "ExitStatus", "Cgroup", "RestartCount", "Addresses", "Health",
      "Started", "Exited", "OOMKilled"}},
    {"oom", {"OOMKilled"}},
    {"exit", {"State", "Pid", "PidFDId", "ExitStatus", "Cgroup", "Addresses", "Health", "Exited"}},
    {"pause", {"State"}},
    {"resume", {"State"}},
    {"healthy", {"Health"}},
    {"unhealthy", {"Health"}},
    {NULL, {NULL}},
};

static const EventChange pod_changes[] = {
    {"start", {"State", "Pid", "Cgroup", "Addresses", "Started", "Exited"}},
    {"exit", {"State", "Pid", "Cgroup", "Addresses", "Exited"}},
    {"pause", {"State"}},
    {"resume", {"State"}},
    {NULL, {NULL}},
};

/* Informs watchers that a property of the container's pod has changed. The property is only
 * invalidated: a container that is being deleted remains in the list until after its event. */
static void send_pod_changed(BerthService *service, const BerthContainer *container) {
    static const char *const invalidated[] = {"Containers", NULL};
    g_autofree char *name = berth_container_get_pod(container);
    BerthContainer *pod = name ? berth_pods_find(service->containers, name, NULL) : NULL;

    if (!pod)
        return;
    const BerthContainerRecord *record = berth_container_get_record(pod);
    const BerthObject object = {&berth_pod_kind, record->id, true, record->owner, pod};
    berth_watchers_send_changed(service->watchers, &object, NULL, invalidated);
}

/* Sent before the event, so that a client that receives the event finds the object already
 * changed. */
static void report_object_change(BerthService *service, const BerthEvent *event,
                                 BerthContainer *container) {
    bool is_pod = container && berth_container_is_pod(container);
    const BerthObject object = {is_pod ? &berth_pod_kind : &berth_container_kind, event->id, true,
                                event->owner, container};

    if (g_str_equal(event->kind, "delete"))
        berth_watchers_send_removed(service->watchers, &object);
    else if (container && g_str_equal(event->kind, "create"))
        berth_watchers_send_added(service->watchers, &object);
    /* Events about other processes than the first one do not change the object. */
    if (!container || event->process[0])
        return;
    for (const EventChange *change = is_pod ? pod_changes : container_changes; change->kind;
         change++)
        if (g_str_equal(change->kind, event->kind))
            berth_watchers_send_changed(service->watchers, &object, change->changed, NULL);
}

static void signals_on_event(const BerthEvent *event, BerthContainer *container, void *userdata) {
    BerthService *service = userdata;
    GHashTableIter iterator;
    gpointer name, value;

    bool deleted = g_str_equal(event->kind, "delete");

    if (deleted)
        berth_creators_forget(service, event->id);
    if (container && (deleted || g_str_equal(event->kind, "create"))) {
        const BerthObject object = {&berth_container_kind, event->id, true, event->owner,
                                    container};
        berth_image_object_send_users_changed(service, &object,
                                              berth_container_get_record(container)->image);
    }
    report_object_change(service, event, container);
    if (container && (deleted || g_str_equal(event->kind, "create")))
        send_pod_changed(service, container);
    g_hash_table_iter_init(&iterator, service->subscribers);
    while (g_hash_table_iter_next(&iterator, &name, &value)) {
        const BerthSubscriber *subscriber = value;
        if (berth_viewer_sees(&subscriber->viewer, event->owner))
            send_event(service, &subscriber->viewer, event, name);
    }
}

static void signals_on_peer_left(const char *peer, void *userdata) {
    BerthService *service = userdata;

    berth_subscribers_forget(service, peer);
    berth_creators_forget_peer(service, peer);
    berth_unicast_forget(service->unicast, peer);
    berth_watchers_forget(service->watchers, peer);
    berth_containers_forget_client(service->containers, peer);
    /* Cancels everything that only this client wanted; otherwise a call of Wait for a container
     * that is never started would be kept forever. Cancelling one call can free others, so this
     * iterates over a copy of the list and looks each call up in the original. */
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

void berth_container_signals_add(BerthService *service) {
    berth_containers_observe(service->containers, signals_on_event, service);
    berth_access_on_peer_left(service->access, signals_on_peer_left, service);
}
