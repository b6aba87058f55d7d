/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /org/berth1/pods/LABEL, org.berth1.Pod, and its methods, which the collection has as well. Pods
 * are owned by containers/: each is a container that is visible only through the members for pods.
 * There is no state but the pending calls. The one thing to know: stopping or deleting a pod does
 * the same to its containers, and rules are consulted for each of them.
 */

#include "bus/pod-object.h"

#include "bus/creators.h"
#include "bus/watchers.h"

#include <string.h>

#define INTERFACE "org.berth1.Pod"

/* Returns the details of a pod; for a call that affects its containers as well, one list with each
 * of them. The strings are borrowed from the caller and the containers. */
static GPtrArray *list_details(const BerthContainer *pod, const char *name, const char *owner,
                               bool members) {
    GPtrArray *lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    g_autoptr(GPtrArray) containers = pod && members ? berth_pod_list_containers(pod) : NULL;

    if (!members) {
        g_ptr_array_add(lists, berth_access_new_details("pod", name, "owner", owner, NULL));
        return lists;
    }

    for (guint i = 0; containers && i < containers->len; i++)
        g_ptr_array_add(
            lists, berth_access_new_details("pod", name, "container",
                                            berth_container_get_record(containers->pdata[i])->id,
                                            "owner", owner, NULL));
    if (lists->len == 0)
        g_ptr_array_add(
            lists, berth_access_new_details("pod", name, "container", NULL, "owner", owner, NULL));
    return lists;
}

/* Makes the call's check on the pod of that name, whether it exists or not. members: the call also
 * affects the containers in it. The pod is looked up again on each run, since it may have been
 * deleted by the time polkit answers. */
static int check_pod(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                     const char *name, bool members, BerthContainer **pod) {
    int r = berth_access_await(service->access, call, name);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    *pod = berth_pods_find(service->containers, name, NULL);
    const BerthOwnedObject object = {"pod", "pod", name, *pod != NULL,
                                     *pod ? berth_container_get_record(*pod)->owner : 0};
    g_autofree char *owner = *pod ? g_strdup_printf("%u", object.owner) : NULL;
    g_autoptr(GPtrArray) lists = list_details(*pod, name, owner, members);
    g_autoptr(GPtrArray) containers = *pod && members ? berth_pod_list_containers(*pod) : NULL;
    /* The connection that created the pod needs no second authorization (bus/creators.h), but only
     * for the pod itself: the containers in it may not be its own. */
    if (*pod && (!containers || containers->len == 0) && berth_creators_is(service, name, call) &&
        berth_access_has_check(call, "creator"))
        return BERTH_ACCESS_GRANTED;
    return berth_access_check_owned_many(service->access, call, error, &object, lists);
}

/* Reads the name and the options of a member, and makes its check. */
static int read_and_check(sd_bus_message *call, BerthService *service, const BerthOption *options,
                          bool members, sd_bus_error *error, BerthContainer **pod) {
    g_autofree char *name = NULL;
    int r;

    if ((r = berth_object_read_name(&berth_pod_kind, call, &name)) < 0 ||
        (r = berth_options_read(call, options, error)) < 0)
        return r;
    return check_pod(call, service, error, name, members, pod);
}

static void pod_on_started(const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;
    const BerthContainer *pod = berth_pods_find(pending->service->containers, pending->name, NULL);

    if (error)
        berth_bus_reply_error(pending->call, error);
    else
        sd_bus_reply_method_return(pending->call, "u",
                                   pod ? berth_container_get_record(pod)->first.pid : 0);
}

int berth_pod_method_start(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    static const BerthContainerStreams none = BERTH_CONTAINER_NO_STREAMS;
    BerthContainer *pod;
    int r = read_and_check(call, userdata, BERTH_NO_OPTIONS, false, error, &pod);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_container_start(
        pod, &none, pod_on_started,
        berth_pending_call_new_about(userdata, call, berth_container_get_record(pod)->id));
    return 1;
}

/* Stop, Wait and Delete all reply when the pod has exited. It has no command, so it does not matter
 * whether its process became one. */
static void pod_on_exited(int status, uint64_t exited_usec, const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;

    if (error && exited_usec == 0)
        berth_bus_reply_error(pending->call, error);
    else
        sd_bus_reply_method_return(pending->call, "it", (int32_t)status, exited_usec);
}

int berth_pod_method_stop(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    BerthContainer *pod;
    uint64_t timeout_usec = UINT64_MAX;
    const BerthOption options[] = {{"TimeoutUSec", "t", &timeout_usec}, {NULL, NULL, NULL}};
    int r = read_and_check(call, userdata, options, true, ret_error, &pod);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (berth_container_get_record(pod)->state == BERTH_CONTAINER_CREATED &&
        !berth_container_is_starting(pod)) {
        berth_error_set(&error, BERTH_ERROR_FAILED_PRECONDITION, "pod \"%s\" was never started",
                        berth_container_get_record(pod)->id);
        return berth_bus_error_set(ret_error, error);
    }
    berth_pod_stop(pod, timeout_usec);
    berth_container_wait(pod, "", pod_on_exited, berth_pending_call_new(userdata, call));
    return 1;
}

int berth_pod_method_wait(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthContainer *pod;
    int r = read_and_check(call, userdata, BERTH_NO_OPTIONS, false, error, &pod);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_container_wait(pod, "", pod_on_exited, berth_pending_call_new(userdata, call));
    return 1;
}

/* The reply is sent when the deletion has finished. */
int berth_pod_method_delete(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthContainer *pod;
    int force = 0;
    const BerthOption options[] = {{"Force", "b", &force}, {NULL, NULL, NULL}};
    int r = read_and_check(call, userdata, options, true, error, &pod);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_pod_remove(pod, force, pod_on_exited, berth_pending_call_new(userdata, call));
    return 1;
}

static BerthContainer *get_pod(void *view) {
    return ((const BerthView *)view)->object;
}

BERTH_PROPERTY_GETTER(get_text) {
    const BerthContainer *pod = get_pod(view);
    const BerthContainerRecord *record = berth_container_get_record(pod);
    g_autofree char *policy = berth_pod_get_exit_policy(pod);
    g_autofree char *hostname = berth_pod_get_hostname(pod);
    g_autofree char *unit = berth_container_get_unit(pod);
    g_autofree char *cgroup = berth_container_get_cgroup(pod);

    return sd_bus_message_append(reply, "s",
                                 g_str_equal(property, "Name") ? record->id
                                 : g_str_equal(property, "State")
                                     ? berth_container_state_get_name(record->state)
                                 : g_str_equal(property, "Network")    ? record->network
                                 : g_str_equal(property, "ExitPolicy") ? policy
                                 : g_str_equal(property, "Hostname")   ? hostname
                                 : g_str_equal(property, "Unit")       ? unit
                                 : cgroup                              ? cgroup
                                                                       : "");
}

BERTH_PROPERTY_GETTER(get_number) {
    const BerthContainerRecord *record = berth_container_get_record(get_pod(view));
    bool runs = record->state == BERTH_CONTAINER_RUNNING;

    return sd_bus_message_append(reply, "u",
                                 g_str_equal(property, "Owner") ? record->owner
                                 : runs                         ? record->first.pid
                                                                : 0);
}

BERTH_PROPERTY_GETTER(get_time) {
    const BerthContainerRecord *record = berth_container_get_record(get_pod(view));

    return sd_bus_message_append(reply, "t",
                                 g_str_equal(property, "Created")   ? record->created_usec
                                 : g_str_equal(property, "Started") ? record->first.started_usec
                                                                    : record->first.exited_usec);
}

BERTH_PROPERTY_GETTER(get_list) {
    const BerthContainer *pod = get_pod(view);
    g_auto(GStrv) list = g_str_equal(property, "Ports") ? berth_container_list_ports(pod)
                                                        : berth_container_list_addresses(pod, NULL);

    return sd_bus_message_append_strv(reply, list);
}

/* A client that sees the pod also sees its containers, since they have the same owner. */
BERTH_PROPERTY_GETTER(get_containers) {
    g_autoptr(GPtrArray) containers = berth_pod_list_containers(get_pod(view));
    g_autoptr(GPtrArray) ids = g_ptr_array_new();

    for (guint i = 0; i < containers->len; i++)
        g_ptr_array_add(ids, berth_container_get_record(containers->pdata[i])->id);
    g_ptr_array_add(ids, NULL);
    return sd_bus_message_append_strv(reply, (char **)ids->pdata);
}

BERTH_PROPERTY_GETTER(get_labels) {
    return berth_bus_append_labels(reply, berth_container_get_record(get_pod(view))->labels);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    BERTH_POD_METHODS(),
    SD_BUS_PROPERTY("Name", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("State", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Owner", "u", get_number, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Pid", "u", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Containers", "as", get_containers, 0,
                    SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
    SD_BUS_PROPERTY("ExitPolicy", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Hostname", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Network", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Ports", "as", get_list, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Addresses", "as", get_list, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Labels", "a{ss}", get_labels, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Unit", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Cgroup", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Created", "t", get_time, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Started", "t", get_time, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Exited", "t", get_time, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_VTABLE_END,
};

static int visit_pods(BerthService *service, const BerthViewer *viewer, const char *after,
                      BerthObjectVisit visit, void *userdata) {
    g_autoptr(GPtrArray) list = berth_containers_list_by_id(service->containers);
    int r = 1;

    for (guint i = 0; r > 0 && i < list->len; i++) {
        const BerthContainerRecord *record = berth_container_get_record(list->pdata[i]);
        const BerthObject object = {&berth_pod_kind, record->id, true, record->owner,
                                    list->pdata[i]};
        if (berth_container_is_pod(list->pdata[i]) && berth_viewer_sees(viewer, record->owner) &&
            strcmp(record->id, after) > 0)
            r = visit(&object, userdata);
    }
    return r;
}

const BerthObjectKind berth_pod_kind = {
    .interface = INTERFACE,
    .path = BERTH_PODS_PATH,
    .detail = "pod",
    .action = "containers.inspect",
    .vtable = vtable,
    .visit = visit_pods,
};

static int pod_open(sd_bus_message *call, BerthView *view, sd_bus_error *error) {
    const char *path = sd_bus_message_get_path(call);
    g_autofree char *name = berth_object_read_path(&berth_pod_kind, path);
    BerthContainer *pod;
    int r = check_pod(call, view->service, error, name ? name : "", false, &pod);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    view->object = pod;
    if (berth_properties_is_get_all(call))
        berth_watchers_add(view->service->watchers, sd_bus_message_get_sender(call), path);
    return r;
}

int berth_pod_bus_add(BerthService *service) {
    static const BerthPropertySource source = {
        .interface = INTERFACE, .vtable = vtable, .open = pod_open};

    return berth_objects_add_kind(service, &berth_pod_kind, &source);
}
