/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /org/berth1/pods, org.berth1.Pods: lists and creates pods. It has no state but the pending calls
 * of Create: pods are owned by containers/, and pod-bus.c has their members.
 */

#include "bus/creators.h"
#include "bus/pod-object.h"
#include "containers/parts/made-networks.h"
#include "containers/spec/options-check.h"
#include "containers/spec/privileges.h"
#include "containers/spec/slices.h"

#define COLLECTION "org.berth1.Pods"

/* As for a container: the creator is recorded before the reply, and calls that wait for the pod
 * continue after it. */
static void pod_on_created(BerthContainer *pod, const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;
    sd_bus_message *call = pending->call;

    if (error) {
        berth_bus_reply_error(call, error);
    } else {
        const char *name = berth_container_get_record(pod)->id;
        g_autofree char *path = berth_object_make_path(&berth_pod_kind, name);
        berth_creators_add(pending->service, name, call);
        sd_bus_reply_method_return(call, "o", path);
    }
    /* By the name as requested; "" if the caller left the choice to the service. */
    berth_access_end_creation(pending->service->access, call, pending->name, !error);
}

/* Returns one list of details for each port, or a single one if there are none, and one for each
 * further network. The strings are borrowed from the caller. */
static GPtrArray *pod_list_create_details(const BerthCreateOptions *options, const char *slice) {
    GPtrArray *lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    const char *first = options->network ? options->network : "none";

#define DETAILS(network, port)                                                                     \
    berth_access_new_details("pod", options->id, "network", network, "slice", slice, "cgroup",     \
                             options->cgroup_parent, "port", port, NULL)
    for (char **port = options->ports; port && *port; port++)
        g_ptr_array_add(lists, DETAILS(first, *port));
    if (lists->len == 0)
        g_ptr_array_add(lists, DETAILS(first, NULL));
    for (guint i = 0; options->additional_endpoints && i < options->additional_endpoints->len;
         i++) {
        const BerthNetworkEndpoint *endpoint = options->additional_endpoints->pdata[i];
        g_ptr_array_add(lists, DETAILS(endpoint->network, NULL));
    }
#undef DETAILS
    return lists;
}

/* The privileges come first, as in Containers.Create: that right covers the second check, for which
 * an administrator would otherwise have to authenticate again. */
static int pod_check_create(sd_bus_message *call, BerthService *service,
                            const BerthCreateOptions *options, sd_bus_error *error) {
    g_autofree char *privileges = berth_privileges_of_container(options);
    g_autofree char *ports =
        options->ports && options->ports[0] ? g_strjoinv(" ", options->ports) : NULL;
    g_autofree char *slice = options->cgroup_parent ? NULL
                             : options->slice       ? g_strdup(options->slice)
                                                    : berth_slice_get_default(options->owner);
    g_autoptr(GPtrArray) lists = pod_list_create_details(options, slice);

    if (privileges) {
        int r = berth_access_check(service->access, call, error, "privileged", "pod", options->id,
                                   "network", options->network, "port", ports, "privilege",
                                   privileges, NULL);
        if (r != BERTH_ACCESS_GRANTED)
            return r;
    }
    return berth_access_check_many(service->access, call, error, "create", lists);
}

/* In the same order as Containers.Create: calls about the name wait from before the first
 * question. */
static int pods_method_create(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthService *service = userdata;
    g_autoptr(BerthCreateOptions) options = berth_create_options_new(UINT32_MAX);
    g_autoptr(GError) failure = NULL;
    const char *name;
    int r;

    if ((r = sd_bus_message_read(call, "s", &name)) < 0)
        return r;
    berth_access_begin_creation(service->access, call, name);
    r = berth_access_get_uid(service->access, call, &options->owner);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    options->id = g_strdup(name);
    options->image = g_strdup("");
    options->pod_exit = BERTH_POD_EXIT_CONTINUE;
    if ((r = berth_pod_options_read(call, options, error)) < 0 ||
        (r = berth_container_find_cgroup(call, service, options, error)) < 0)
        return r;
    if (!berth_create_options_check_counts(options, &failure))
        return berth_bus_error_set(error, failure);
    berth_network_choose(service->containers, options);
    r = pod_check_create(call, service, options, error);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    BerthPendingCall *pending = berth_pending_call_new_about(service, call, name);
    berth_access_extend_creation(service->access, call, name);
    berth_container_create(service->containers, g_steal_pointer(&options), pod_on_created, pending);
    return 1;
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Create", SD_BUS_ARGS("s", name, "a{sv}", options),
                            SD_BUS_RESULT("o", pod), pods_method_create,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    BERTH_POD_METHODS("s", name, ),
    BERTH_OBJECTS_LIST(pods),
    SD_BUS_VTABLE_END,
};

int berth_pods_bus_add(BerthService *service) {
    int r = berth_pod_bus_add(service);

    return r < 0 ? r : berth_objects_add_collection(service, BERTH_PODS_PATH, COLLECTION, vtable);
}
