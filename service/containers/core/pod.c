/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A pod is a container without an image, whose first process does nothing (init/main.c) and whose
 * namespaces other containers join. Its record marks it as a pod, and the record of each container
 * in it contains its name; there is no other state. The one thing to know: a pod cannot be deleted
 * while a record names it, so the name refers to the same pod from Create to Delete.
 */

#include "containers/core/pod.h"

#include "bare/pidfd.h"
#include "base/fd.h"
#include "containers/core/process.h"
#include "containers/core/table.h"
#include "containers/spec/network-endpoints.h"
#include "containers/spec/network-mode.h"

#include <errno.h>

static char *get_option_text(const BerthContainer *container, const char *key) {
    g_autoptr(GVariant) value =
        berth_container_record_get_extra(&container->record, key, G_VARIANT_TYPE_STRING);

    return value ? g_variant_dup_string(value, NULL) : NULL;
}

bool berth_container_is_pod(const BerthContainer *container) {
    g_autofree char *policy = get_option_text(container, BERTH_POD_EXIT_POLICY);

    return policy != NULL;
}

char *berth_container_get_pod(const BerthContainer *container) {
    return get_option_text(container, BERTH_POD);
}

const BerthContainer *berth_container_find_joined(const BerthContainer *container) {
    const char *name = berth_network_get_joined(container->record.network);
    const BerthContainer *other =
        name ? berth_containers_find(container->containers, name, NULL) : NULL;
    g_autoptr(GVariant) created = berth_container_record_get_extra(
        &container->record, BERTH_JOINED_CREATED, G_VARIANT_TYPE_UINT64);

    return other && created && g_variant_get_uint64(created) == other->record.created_usec ? other
                                                                                           : NULL;
}

const BerthContainer *berth_container_get_network_holder(const BerthContainer *container) {
    const BerthContainer *joined = berth_container_find_joined(container);
    const BerthContainer *holder = joined ? joined : container;
    g_autofree char *name = berth_container_get_pod(holder);
    const BerthContainer *pod =
        name ? berth_containers_find(container->containers, name, NULL) : NULL;

    return pod ? pod : holder;
}

/* The networks that it has joined or, without any, its network mode, so that the list has at least
 * one entry, and rules see what the container will get. */
static char **list_networks(const BerthContainerRecord *record) {
    g_auto(GStrv) names = berth_network_endpoints_list_networks(record);
    bool is_host = berth_network_parse_mode(record->network) == BERTH_NETWORK_HOST;
    const char *const mode[] = {is_host ? "host" : "none", NULL};

    return names[0] ? g_steal_pointer(&names) : g_strdupv((char **)mode);
}

void berth_container_share(const BerthContainer *other, BerthCreateOptions *options) {
    options->pod_ids = other->record.ids;
    options->pod_created = other->record.created_usec;
    options->pod_networks = list_networks(&berth_container_get_network_holder(other)->record);
    options->user_namespace =
        other->record.ids > 0 ? BERTH_USER_NAMESPACE_AUTO : BERTH_USER_NAMESPACE_HOST;
}

/* The pod or the container whose network it joins. NULL without error if there is neither. */
static const BerthContainer *find_shared(const BerthContainer *container, GError **error) {
    g_autofree char *pod = berth_container_get_pod(container);
    const char *name = berth_network_get_joined(container->record.network);
    const BerthContainer *joined = berth_container_find_joined(container);

    if (pod)
        return berth_containers_find(container->containers, pod, error);
    if (name && !joined)
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        "the container \"%s\", whose network container \"%s\" joins, was removed; "
                        "create \"%s\" anew, too",
                        name, container->record.id, container->record.id);
    return joined;
}

static int open_first(const BerthContainer *other) {
    g_autofree char *path = g_strdup_printf("/proc/%u", other->record.first.pid);

    return other->first->watch && berth_container_is_running(other) &&
                   !berth_container_is_starting(other)
               ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)
               : -1;
}

/* The directory belongs to whichever process has the pid now. If the pidfd shows afterwards that
 * the other's process has not ended, the pid was its own all the time. */
int berth_container_open_pod(const BerthContainer *container, GError **error) {
    g_autoptr(GError) local = NULL;
    const BerthContainer *other = find_shared(container, &local);
    const char *id = container->record.id;

    if (!other) {
        if (local)
            g_propagate_error(error, g_steal_pointer(&local));
        return -1;
    }
    berth_autofd int directory = open_first(other);
    if (directory >= 0 && berth_pidfd_is_running(other->first->pidfd))
        return berth_fd_steal(&directory);
    if (berth_container_is_pod(other))
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        "the pod \"%s\" of container \"%s\" is not running; start it first",
                        other->record.id, id);
    else
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        "the container \"%s\", whose network container \"%s\" joins, is not "
                        "running; start it first",
                        other->record.id, id);
    return -1;
}
