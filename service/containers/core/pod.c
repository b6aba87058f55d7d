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

const BerthContainer *berth_container_get_network_holder(const BerthContainer *container) {
    g_autofree char *name = berth_container_get_pod(container);
    const BerthContainer *pod =
        name ? berth_containers_find(container->containers, name, NULL) : NULL;

    return pod ? pod : container;
}

/* The directory belongs to whichever process has the pid now. If the pidfd shows afterwards that
 * the pod's process has not ended, the pid was its own all the time. */
int berth_container_open_pod(const BerthContainer *container, GError **error) {
    g_autofree char *name = berth_container_get_pod(container);
    const BerthContainer *pod =
        name ? berth_containers_find(container->containers, name, error) : NULL;

    if (!pod)
        return -1;
    g_autofree char *path = g_strdup_printf("/proc/%u", pod->record.first.pid);
    berth_autofd int directory =
        pod->first->watch && berth_container_is_running(pod) && !berth_container_is_starting(pod)
            ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)
            : -1;
    if (directory < 0 || !berth_pidfd_is_running(pod->first->pidfd)) {
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        "the pod \"%s\" of container \"%s\" is not running; start it first", name,
                        container->record.id);
        return -1;
    }
    return berth_fd_steal(&directory);
}
