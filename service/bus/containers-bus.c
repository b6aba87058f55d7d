/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /org/berth1/containers, org.berth1.Containers: creates containers, finds them, and subscribes
 * clients to their events. Methods about a single container are in container-methods.c and its
 * neighbours, and shared with the container's object. The one bus object has no state;
 * subscribers.c has the clients that receive events. The one thing to know: Create is allowed or
 * refused as a whole, with every port, volume and privilege among the details.
 */

#include "bare/cgroup-move.h"
#include "bus/container-object.h"
#include "bus/creators.h"
#include "bus/objects.h"
#include "bus/options.h"
#include "bus/page.h"
#include "bus/subscribers.h"
#include "containers/parts/joined-network.h"
#include "containers/parts/made-networks.h"
#include "containers/spec/image-mounts.h"
#include "containers/spec/mounts.h"
#include "containers/spec/network-endpoints.h"
#include "containers/spec/options-check.h"
#include "containers/spec/privileges.h"
#include "containers/spec/slices.h"
#include "systemd/caller-unit.h"

#include <errno.h>

#define PATH BERTH_CONTAINER_PREFIX
#define INTERFACE "org.berth1.Containers"
#define MAX_EVENTS_A_CALL 1000

/* The creator is recorded before the reply is sent, since it may call Start immediately after. */
static void reply_created(const BerthPendingCall *pending, BerthContainer *container,
                          const GError *error) {
    if (error) {
        berth_bus_reply_error(pending->call, error);
        return;
    }
    const char *id = berth_container_get_record(container)->id;
    g_autofree char *path = berth_container_make_path(id);
    berth_creators_add(pending->service, id, pending->call);
    sd_bus_reply_method_return(pending->call, "o", path);
}

/* Calls that wait for this container continue after the reply to Create, whether it succeeded or
 * not. They are found by the ID as requested; "" if the caller left the choice to the service. */
static void on_created(BerthContainer *container, const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;

    reply_created(pending, container, error);
    berth_access_end_creation(pending->service->access, pending->call, pending->name, !error);
}

/* A container that joins another's network, or a pod, gets those of that one. */
static const char *get_first_network(const BerthCreateOptions *options) {
    return options->pod_networks ? options->pod_networks[0]
           : options->network    ? options->network
                                 : "none";
}

/* Returns one list of details for each port, volume and further network, including those of the
 * pod, or a single list if there are none; and one for each image that is mounted, which
 * needs the same right as the container's own. */
static GPtrArray *container_list_create_details(const BerthCreateOptions *options,
                                                const char *slice) {
    GPtrArray *lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    const char *first = get_first_network(options);

#define DETAILS_OF(name, network, port, volume)                                                    \
    berth_access_new_details("container", options->id, "image", name, "network", network, "slice", \
                             slice, "cgroup", options->cgroup_parent, "pod", options->pod, "unit", \
                             options->bound_unit, "port", port, "volume", volume, NULL)
#define DETAILS_IN(network, port, volume) DETAILS_OF(options->image, network, port, volume)
#define DETAILS(port, volume) DETAILS_IN(first, port, volume)
    for (char **port = options->ports; port && *port; port++)
        g_ptr_array_add(lists, DETAILS(*port, NULL));
    /* The ports are known only after the image has been read. */
    if (options->publish_all)
        g_ptr_array_add(lists, DETAILS("all", NULL));
    for (guint i = 0; options->mounts && i < options->mounts->len; i++) {
        const BerthMountRequest *mount = options->mounts->pdata[i];
        if (mount->volume)
            g_ptr_array_add(lists, DETAILS(NULL, mount->volume));
    }
    if (lists->len == 0)
        g_ptr_array_add(lists, DETAILS(NULL, NULL));
    for (guint i = 0; options->mounts && i < options->mounts->len; i++) {
        const BerthMountRequest *mount = options->mounts->pdata[i];
        if (mount->image)
            g_ptr_array_add(lists, DETAILS_OF(mount->image->name, first, NULL, NULL));
    }
    for (guint i = 0; options->additional_endpoints && i < options->additional_endpoints->len;
         i++) {
        const BerthNetworkEndpoint *endpoint = options->additional_endpoints->pdata[i];
        g_ptr_array_add(lists, DETAILS_IN(endpoint->network, NULL, NULL));
    }
    for (char **next = options->pod_networks; next && next[0] && next[1]; next++)
        g_ptr_array_add(lists, DETAILS_IN(next[1], NULL, NULL));
#undef DETAILS
#undef DETAILS_IN
#undef DETAILS_OF
    return lists;
}

/* The privileges come first: their question also shows the ports and volumes, so that a user who
 * authenticates for it is not asked again (BERTH_PERMISSION_COVERS). */
static int container_check_create(sd_bus_message *call, BerthService *service,
                                  const BerthCreateOptions *options, sd_bus_error *error) {
    g_autofree char *privileges = berth_privileges_of_container(options);
    g_autofree char *slice = options->cgroup_parent ? NULL
                             : options->slice       ? g_strdup(options->slice)
                                                    : berth_slice_get_default(options->owner);
    g_autoptr(GPtrArray) lists = container_list_create_details(options, slice);
    g_autofree char *ports =
        options->ports && options->ports[0] ? g_strjoinv(" ", options->ports) : NULL;
    g_autofree char *volumes = berth_create_options_list_volumes(options);

    if (privileges) {
        int r = berth_access_check(
            service->access, call, error, "privileged", "container", options->id, "image",
            options->image, "network", options->network ? get_first_network(options) : NULL, "pod",
            options->pod, "port", ports, "volume", volumes, "privilege", privileges, NULL);
        if (r != BERTH_ACCESS_GRANTED)
            return r;
    }
    return berth_access_check_many(service->access, call, error, "create", lists);
}

/* Finds the unit of the caller's process, as berth_container_find_cgroup() finds its cgroup. */
static int find_bound_unit(sd_bus_message *call, BerthService *service, BerthCreateOptions *options,
                           sd_bus_error *ret_error) {
    const BerthCaller *caller =
        berth_access_find_caller(service->access, sd_bus_message_get_sender(call));
    g_autoptr(GError) error = NULL;

    if (!options->unit_bound || options->cgroup == BERTH_CGROUP_CALLER)
        return 0;
    options->bound_unit = berth_caller_unit_find(caller ? (pid_t)caller->pid : 0,
                                                 caller ? caller->started : 0, &error);
    return options->bound_unit ? 0 : berth_bus_error_set(ret_error, error);
}

/* berth_access_begin_creation() is called before the first check, which may return early: calls
 * about the ID that arrive in the meantime then wait. The options are read again on each run and
 * owned by this function until the creation begins. */
static int containers_method_create(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthService *service = userdata;
    g_autoptr(BerthCreateOptions) options = berth_create_options_new(UINT32_MAX);
    g_autoptr(GError) failure = NULL;
    const char *id, *image;
    int r;

    if ((r = sd_bus_message_read(call, "ss", &id, &image)) < 0)
        return r;
    berth_access_begin_creation(service->access, call, id);
    r = berth_access_get_uid(service->access, call, &options->owner);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    options->id = g_strdup(id);
    options->image = g_strdup(image);
    if ((r = berth_create_options_read(call, options, error)) < 0 ||
        (r = berth_container_find_cgroup(call, service, options, error)) < 0 ||
        (r = find_bound_unit(call, service, options, error)) < 0)
        return r;
    if (!berth_create_options_check_counts(options, &failure) ||
        !berth_pod_join(service->containers, options, &failure) ||
        !berth_network_join(service->containers, options, &failure))
        return berth_bus_error_set(error, failure);
    /* Before the check, so that rules see the network that the container will get. */
    berth_network_choose(service->containers, options);
    r = container_check_create(call, service, options, error);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    /* If calls are waiting already, one of them is usually Start. */
    if (options->cgroup != BERTH_CGROUP_CALLER &&
        berth_access_is_awaited(service->access, call, id))
        berth_cgroup_expect_move();
    BerthPendingCall *pending = berth_pending_call_new_about(service, call, id);
    berth_access_extend_creation(service->access, call, id);
    berth_container_create(service->containers, g_steal_pointer(&options), on_created, pending);
    return 1;
}

static int containers_method_get(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    g_autoptr(sd_bus_message) reply = NULL;
    BerthContainer *container;
    int r = berth_container_read_and_check(call, userdata, BERTH_NO_OPTIONS, error, &container);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if ((r = sd_bus_message_new_method_return(call, &reply)) < 0 ||
        (r = berth_container_append_properties(reply, userdata, container)) < 0)
        return r;
    return sd_bus_send(NULL, reply, NULL);
}

/* Events of containers that the caller may not see are left out. */
static int method_events_since(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_auto(BerthPage) page = BERTH_PAGE_FIRST;
    g_autoptr(GError) error = NULL;
    sd_bus_message *item;
    BerthViewer subscriber;
    uint64_t sequence;
    const BerthOption options[] = {{"Limit", "t", &page.limit}, {NULL, NULL, NULL}};
    int r;

    if ((r = sd_bus_message_read(call, "t", &sequence)) < 0 ||
        (r = berth_options_read(call, options, ret_error)) < 0)
        return r;
    r = berth_viewer_find(call, service, &subscriber);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    g_autoptr(GPtrArray) events =
        berth_event_store_list_since(service->database, sequence, UINT32_MAX, &error);
    if (!events)
        return berth_bus_error_set(ret_error, error);
    page.limit = MIN(page.limit, MAX_EVENTS_A_CALL);
    r = berth_page_open(&page, call, "(tssa{sv})");
    for (guint i = 0; r > 0 && i < events->len; i++) {
        const BerthEvent *event = events->pdata[i];
        if (berth_viewer_sees(&subscriber, event->owner) &&
            (r = berth_page_begin(&page, &item)) >= 0 &&
            (r = sd_bus_message_open_container(item, 'r', "tssa{sv}")) >= 0 &&
            (r = berth_container_append_event(item, event)) >= 0 &&
            (r = sd_bus_message_close_container(item)) >= 0)
            r = berth_page_add(&page);
    }
    return berth_page_send(&page, r);
}

/* What the client may see is decided here, once; the subscription keeps that decision. */
static int method_subscribe(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    const char *client = sd_bus_message_get_sender(call);
    g_autoptr(GError) error = NULL;
    BerthService *service = userdata;
    BerthViewer viewer;
    int r = berth_options_read_none(call, ret_error);

    if (r < 0)
        return r;
    r = berth_viewer_find(call, service, &viewer);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (!berth_subscribers_check(service, client, &viewer, &error))
        return berth_bus_error_set(ret_error, error);
    berth_subscribers_add(service, client, &viewer);
    return sd_bus_reply_method_return(call, NULL);
}

static int method_unsubscribe(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthService *service = userdata;
    int r = berth_options_read_none(call, error);

    if (r < 0)
        return r;
    berth_subscribers_forget(service, sd_bus_message_get_sender(call));
    return sd_bus_reply_method_return(call, NULL);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Create", SD_BUS_ARGS("s", id, "s", image, "a{sv}", options),
                            SD_BUS_RESULT("o", container), containers_method_create,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    BERTH_CONTAINER_METHODS("s", id, ),
    SD_BUS_METHOD_WITH_ARGS("Get", SD_BUS_ARGS("s", id, "a{sv}", options),
                            SD_BUS_RESULT("a{sv}", properties), containers_method_get,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    BERTH_OBJECTS_LIST(containers),
    SD_BUS_METHOD_WITH_ARGS("Subscribe", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                            method_subscribe, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Unsubscribe", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                            method_unsubscribe, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("EventsSince", SD_BUS_ARGS("t", sequence, "a{sv}", options),
                            SD_BUS_RESULT("a(tssa{sv})", events), method_events_since,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL_WITH_ARGS("Event",
                            SD_BUS_ARGS("t", sequence, "s", kind, "s", id, "a{sv}", details), 0),
    SD_BUS_VTABLE_END,
};

int berth_containers_bus_add(BerthService *service) {
    berth_container_signals_add(service);
    return berth_objects_add_collection(service, PATH, INTERFACE, vtable);
}
