/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Follows "systemctl freeze" of a container's scope, or of the unit or slice around its cgroup:
 * such a container is paused. A watch exists while the container runs. The kernel's notification
 * only triggers a reading (core/pause.c).
 */

#include "containers/parts/frozen.h"

#include "base/fd.h"
#include "containers/core/pause.h"
#include "systemd/cgroup.h"

#include <sys/inotify.h>

static int on_events(sd_event_source *source, const struct inotify_event *event, void *userdata) {
    BerthContainer *container = userdata;

    (void)source;
    (void)event;
    berth_container_update_paused(container);
    return 0;
}

static void frozen_stop(BerthContainer *container) {
    void **slot = berth_container_slot(container, &berth_frozen_part);

    if (*slot)
        sd_event_source_disable_unref(*slot);
    *slot = NULL;
}

/* The event loop has one inotify descriptor for all watches. */
static void frozen_started(BerthContainer *container) {
    void **slot = berth_container_slot(container, &berth_frozen_part);
    berth_autofd int events = berth_cgroup_open_events((pid_t)container->record.first.pid,
                                                       berth_container_get_cgroup_name(container));
    sd_event_source *source = NULL;

    frozen_stop(container);
    if (events >= 0 && sd_event_add_inotify_fd(container->containers->event, &source, events,
                                               IN_MODIFY, on_events, container) >= 0)
        *slot = source;
    /* It may have been frozen before the watch was there. */
    berth_container_update_paused(container);
}

static void frozen_recovered(BerthContainer *container, const BerthKeptDescriptors *kept) {
    (void)kept;
    if (berth_container_is_running(container))
        frozen_started(container);
}

const BerthPart berth_frozen_part = {
    .name = "frozen",
    .recovered = frozen_recovered,
    .started = frozen_started,
    .exiting = frozen_stop,
    .freed = frozen_stop,
};
