/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How a pod and its containers affect each other. A running pod is OPEN until it is asked to stop,
 * and then STOPPING until its last container and the pod itself have ended. The state is kept in
 * the pod's slot and is not recorded: if the service dies meanwhile, the containers have already
 * been asked to stop, and the caller has to repeat the call for the pod.
 *
 * pod_settle() examines the whole pod and does what is due. It is called whenever something in the
 * pod has ended, and may be called at any time. A forced removal is a separate object, since the
 * pod is removed last.
 */

#include "containers/parts/pods.h"

#include "containers/core/container.h"
#include "containers/core/pod.h"
#include "containers/core/state.h"
#include "containers/core/table.h"
#include "containers/core/unfinished.h"
#include "containers/parts/remove.h"
#include "containers/parts/restart.h"
#include "containers/parts/stop.h"
#include "containers/spec/network-mode.h"

#include <string.h>

typedef enum {
    POD_OPEN,
    POD_STOPPING,
} PodState;

static PodState get_pod_state(const BerthContainer *pod) {
    return (PodState)GPOINTER_TO_UINT(*berth_container_slot(pod, &berth_pods_part));
}

static void set_state(BerthContainer *pod, PodState state) {
    *berth_container_slot(pod, &berth_pods_part) = GUINT_TO_POINTER(state);
}

static char *get_pod_text(const BerthContainer *pod, const char *key) {
    g_autoptr(GVariant) value =
        berth_container_record_get_extra(&pod->record, key, G_VARIANT_TYPE_STRING);

    return g_strdup(value ? g_variant_get_string(value, NULL) : "");
}

char *berth_pod_get_exit_policy(const BerthContainer *pod) {
    return get_pod_text(pod, BERTH_POD_EXIT_POLICY);
}

char *berth_pod_get_hostname(const BerthContainer *pod) {
    return get_pod_text(pod, BERTH_POD_HOSTNAME);
}

BerthContainer *berth_pods_find(BerthContainers *containers, const char *name, GError **error) {
    BerthContainer *pod = berth_containers_find(containers, name, NULL);

    if (pod && berth_container_is_pod(pod))
        return pod;
    berth_error_set(error, BERTH_ERROR_NOT_FOUND, "there is no pod \"%.100s\"", name);
    return NULL;
}

GPtrArray *berth_pod_list_containers(const BerthContainer *pod) {
    const GPtrArray *members = berth_pod_index_get(pod->containers, pod->record.id);
    GPtrArray *list =
        members ? g_ptr_array_copy((GPtrArray *)members, NULL, NULL) : g_ptr_array_new();

    g_ptr_array_sort(list, berth_container_compare_age);
    return list;
}

/* A pod of another user is treated like one that does not exist. A pod that is being deleted
 * accepts no new containers, whose records would name it after it is gone. Returns NULL with
 * error. */
static const BerthContainer *find_open_pod(BerthContainers *containers,
                                           const BerthCreateOptions *options, GError **error) {
    const BerthContainer *pod = berth_pods_find(containers, options->pod, NULL);

    if (pod && pod->record.owner == options->owner)
        return berth_container_check_kept(pod, error) ? pod : NULL;
    berth_error_set(error, BERTH_ERROR_NOT_FOUND, "there is no pod \"%.100s\" of user %u",
                    options->pod, options->owner);
    return NULL;
}

/* The privileges that the pod was granted are checked again for each container in it: a rule may
 * allow a pod with the host's network, but not everything that joins it. */
bool berth_pod_join(BerthContainers *containers, BerthCreateOptions *options, GError **error) {
    if (!options->pod)
        return true;
    const BerthContainer *pod = find_open_pod(containers, options, error);
    if (!pod)
        return false;
    if (options->hostname || options->network ||
        options->user_namespace != BERTH_USER_NAMESPACE_AUTO || options->kept_id.given)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "%s and Pod exclude each other: set it for the pod",
                               options->hostname  ? "Hostname"
                               : options->network ? "Network"
                                                  : "UserNamespace");
    options->hostname = berth_pod_get_hostname(pod);
    berth_container_share(pod, options);
    if (berth_network_parse_mode(pod->record.network) == BERTH_NETWORK_HOST) {
        options->network_mode = BERTH_NETWORK_HOST;
        options->network = g_strdup(pod->record.network);
    }
    if (!options->slice && options->cgroup != BERTH_CGROUP_CALLER)
        options->slice = g_strdup(pod->record.slice);
    return true;
}

/* The pod may have been deleted while the secrets and the image were read. Its name may even belong
 * to a new pod by now, possibly of another user. */
bool berth_pod_check_joined(BerthContainers *containers, const BerthCreateOptions *options,
                            GError **error) {
    if (!options->pod)
        return true;
    const BerthContainer *pod = find_open_pod(containers, options, error);
    return pod && (pod->record.created_usec == options->pod_created ||
                   berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                                   "the pod \"%s\" was deleted before container \"%s\" was created",
                                   options->pod, options->id));
}

/* Returns true if it is running or about to run. */
static bool is_active(const BerthContainer *container) {
    return berth_container_is_running(container) || berth_container_is_starting(container) ||
           berth_container_is_restarting(container);
}

/* A container that has not run since the pod was started does not count as its last container. */
static bool has_run(const BerthContainer *container, const BerthContainer *pod) {
    return container->record.first.exited_usec > pod->record.first.started_usec;
}

/* leaving is a container that is being deleted but is still in the table, or NULL. */
static void pod_settle(BerthContainer *pod, BerthContainer *leaving) {
    g_autoptr(GPtrArray) list = berth_pod_list_containers(pod);
    g_autofree char *policy = berth_pod_get_exit_policy(pod);
    bool active = false, ran = false;

    if (leaving)
        g_ptr_array_remove(list, leaving);
    for (guint i = 0; i < list->len; i++) {
        active = active || is_active(list->pdata[i]);
        ran = ran || has_run(list->pdata[i], pod);
    }
    if (berth_container_is_running(pod) && !active &&
        (get_pod_state(pod) == POD_STOPPING || (ran && g_str_equal(policy, "stop"))))
        berth_container_stop(pod, UINT64_MAX);
    /* A pod with AutoRemove= is removed when it has ended, but not before its containers are. */
    if (list->len == 0 && pod->record.auto_remove && pod->record.state == BERTH_CONTAINER_STOPPED)
        berth_container_remove_soon(pod);
}

static void stop_containers(const BerthContainer *pod, uint64_t timeout_usec) {
    g_autoptr(GPtrArray) list = berth_pod_list_containers(pod);

    for (guint i = 0; i < list->len; i++)
        berth_container_stop(list->pdata[i], timeout_usec);
}

/* NULL for a container that is in no pod. */
static BerthContainer *find_pod_of(const BerthContainer *container) {
    g_autofree char *name = berth_container_get_pod(container);

    return name ? berth_pods_find(container->containers, name, NULL) : NULL;
}

static void pods_settled(BerthContainer *container) {
    BerthContainer *pod = find_pod_of(container);

    if (pod)
        pod_settle(pod, NULL);
}

static void pods_deleted(BerthContainer *container) {
    BerthContainer *pod = find_pod_of(container);

    if (pod)
        pod_settle(pod, container);
}

void berth_pod_stop(BerthContainer *pod, uint64_t timeout_usec) {
    if (!berth_container_is_running(pod)) {
        berth_container_stop(pod, timeout_usec);
        return;
    }
    set_state(pod, POD_STOPPING);
    stop_containers(pod, timeout_usec);
    pod_settle(pod, NULL);
}

/* Whether the pod accepts a start. This is checked before it is known whether the pod is
 * running. */
static bool pods_starting(BerthContainer *container, GError **error) {
    const BerthContainer *pod = find_pod_of(container);

    return !pod || get_pod_state(pod) == POD_OPEN ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "the pod \"%s\" of container \"%s\" is being stopped", pod->record.id,
                           container->record.id);
}

/* The pod may have ended or been stopped while the container was starting. */
static void pods_started(BerthContainer *container) {
    const BerthContainer *pod = find_pod_of(container);

    if (pod && (!berth_container_is_running(pod) || get_pod_state(pod) == POD_STOPPING))
        berth_container_stop(container, UINT64_MAX);
}

static void pods_exited(BerthContainer *container) {
    if (!berth_container_is_pod(container))
        return;
    set_state(container, POD_OPEN);
    stop_containers(container, UINT64_MAX);
    pod_settle(container, NULL);
}

/* Handles ends that the service has missed. */
static bool pods_swept(BerthContainers *containers, GError **error) {
    g_autoptr(GPtrArray) list = berth_containers_list(containers);

    (void)error;
    for (guint i = 0; i < list->len; i++) {
        if (!berth_container_is_pod(list->pdata[i]))
            continue;
        if (!berth_container_is_running(list->pdata[i]))
            stop_containers(list->pdata[i], UINT64_MAX);
        pod_settle(list->pdata[i], NULL);
    }
    return true;
}

static bool check_empty(const BerthContainer *pod, GError **error) {
    g_autoptr(GPtrArray) list = berth_pod_list_containers(pod);

    return list->len == 0 ||
           berth_error_set(error, BERTH_ERROR_IN_USE,
                           "the pod \"%s\" contains the container "
                           "\"%s\"",
                           pod->record.id, ((const BerthContainer *)list->pdata[0])->record.id);
}

static bool pods_permit(const BerthContainer *container, BerthAction action, GError **error) {
    if (action == BERTH_ACTION_REMOVE && berth_container_is_pod(container))
        return check_empty(container, error);
    g_autofree char *pod = berth_container_get_pod(container);
    return action != BERTH_ACTION_CHECKPOINT || !pod ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           "container \"%s\" is in the pod \"%s\"; it cannot be checkpointed alone",
                           container->record.id, pod);
}

/* The containers are removed first, then the pod. Refers to the pod by name, since it may be gone
 * after the last of them. */
typedef struct {
    BerthContainers *containers;
    char *name;
    unsigned left; /* containers still to be removed, plus one while removals are started */
    GError *error; /* the first one */
    BerthContainerExited removed;
    void *userdata;
} PodRemoval;

static void pod_removal_free(gpointer data) {
    PodRemoval *removal = data;

    g_clear_error(&removal->error);
    g_free(removal->name);
    g_free(removal);
}

static void pod_removal_advance(PodRemoval *removal, const GError *error) {
    g_autoptr(GError) local = NULL;

    if (error && !removal->error)
        removal->error = g_error_copy(error);
    if (--removal->left > 0)
        return;
    berth_unfinished_take(removal->containers, removal);
    BerthContainer *pod =
        removal->error ? NULL : berth_pods_find(removal->containers, removal->name, &local);
    /* Another container may have joined it meanwhile. */
    if (pod && check_empty(pod, &local))
        berth_container_remove(pod, true, removal->removed, removal->userdata);
    else
        removal->removed(BERTH_STATUS_UNKNOWN, 0, removal->error ? removal->error : local,
                         removal->userdata);
    pod_removal_free(removal);
}

static void pod_removal_on_removed(int status, uint64_t exited_usec, const GError *error,
                                   void *userdata) {
    (void)status;
    (void)exited_usec;
    pod_removal_advance(userdata, error);
}

/* Looks each container up by its id: a removal may finish immediately, and then pointers to other
 * containers may be invalid too. */
void berth_pod_remove(BerthContainer *pod, bool force, BerthContainerExited removed,
                      void *userdata) {
    BerthContainers *containers = pod->containers;
    g_autoptr(GPtrArray) list = berth_pod_list_containers(pod);
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);

    if (!force) {
        berth_container_remove(pod, false, removed, userdata);
        return;
    }
    PodRemoval *removal = g_new0(PodRemoval, 1);
    *removal = (PodRemoval){.containers = containers,
                            .name = g_strdup(pod->record.id),
                            .left = 1,
                            .removed = removed,
                            .userdata = userdata};
    berth_unfinished_add(containers, removal, pod_removal_free);
    for (guint i = 0; i < list->len; i++)
        g_ptr_array_add(ids, g_strdup(((const BerthContainer *)list->pdata[i])->record.id));
    for (guint i = 0; i < ids->len; i++) {
        BerthContainer *container = berth_containers_find(containers, ids->pdata[i], NULL);
        if (!container)
            continue;
        removal->left++;
        berth_container_remove(container, true, pod_removal_on_removed, removal);
    }
    pod_removal_advance(removal, NULL);
}

const BerthPart berth_pods_part = {
    .name = "pods",
    .swept = pods_swept,
    .permits = pods_permit,
    .starting = pods_starting,
    .started = pods_started,
    .exited = pods_exited,
    .settled = pods_settled,
    .deleted = pods_deleted,
};
