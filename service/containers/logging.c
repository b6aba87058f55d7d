/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the journal's entries of a container say besides: which one it is, and of which image. */

#include "base/log.h"
#include "containers/container-private.h"
#include "systemd/log-fields.h"

/* journald reads them when it takes up what a process wrote first, which may have ended by then. */
#define KEEP_USEC (10 * G_USEC_PER_SEC)

void berth_container_set_log_fields(BerthContainer *container) {
    const BerthContainerRecord *record = &container->record;
    g_autofree char *name = g_strconcat("BERTH_CONTAINER=", record->id, NULL);
    g_autofree char *image = g_strconcat("BERTH_IMAGE=", record->image, NULL);
    const char *const fields[] = {name, record->image[0] ? image : NULL, NULL};
    g_autoptr(GError) error = NULL;

    /* Its lines are worth more than what is said of them. */
    if (!berth_log_fields_set(container->scope, fields, &error))
        berth_log_warning("BERTH_CONTAINER", record->id, "%s", error->message);
}

/* By its id: it may be gone by then, or run again. */
typedef struct {
    BerthContainers *containers;
    char *scope;
} Later;

static bool is_needed(const char *unit, void *userdata) {
    const BerthContainer *container = berth_containers_find_by_scope(userdata, unit);

    return container && (container->first->launch || berth_container_is_running(container));
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
    Later *later = userdata;

    (void)usec;
    sd_event_source_unref(source);
    if (!is_needed(later->scope, later->containers))
        berth_log_fields_remove(later->scope);
    g_free(later->scope);
    g_free(later);
    return 0;
}

void berth_container_drop_log_fields(BerthContainer *container) {
    Later *later = g_new0(Later, 1);
    sd_event_source *source;

    *later = (Later){container->containers, g_strdup(container->scope)};
    if (sd_event_add_time_relative(container->containers->event, &source, CLOCK_MONOTONIC,
                                   KEEP_USEC, 0, on_time, later) < 0)
        g_error("out of memory");
}

void berth_containers_sweep_log_fields(BerthContainers *containers) {
    berth_log_fields_sweep("berth-*.scope", is_needed, containers);
}
