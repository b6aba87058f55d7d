/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The journal fields BERTH_CONTAINER= and BERTH_IMAGE= of a container's log entries. They are set
 * before the container starts, and removed some time after it has ended or its start has failed.
 * There is no state other than the pending removals.
 */

#include "containers/parts/logging.h"

#include "base/log.h"
#include "systemd/log-fields.h"

/* journald reads the fields when it handles the first entry of a process, which may have ended by
 * then. */
#define KEEP_USEC (10 * G_USEC_PER_SEC)

/* The pending removal of a scope's fields. Refers to the scope by name, since the container may be
 * gone by then, or be running again. */
typedef struct {
    BerthContainers *containers;
    char *scope;
} FieldRemoval;

static bool is_needed(const char *unit, void *userdata) {
    const BerthContainer *container = berth_containers_find_by_scope(userdata, unit);

    return container &&
           (berth_container_is_starting(container) || berth_container_is_running(container));
}

static int on_removal_time(sd_event_source *source, uint64_t usec, void *userdata) {
    FieldRemoval *removal = userdata;

    (void)usec;
    sd_event_source_unref(source);
    if (!is_needed(removal->scope, removal->containers))
        berth_log_fields_remove(removal->scope);
    g_free(removal->scope);
    g_free(removal);
    return 0;
}

static void logging_remove_later(BerthContainer *container) {
    FieldRemoval *removal = g_new0(FieldRemoval, 1);
    sd_event_source *source;

    *removal = (FieldRemoval){container->containers, g_strdup(container->scope)};
    if (sd_event_add_time_relative(container->containers->event, &source, CLOCK_MONOTONIC,
                                   KEEP_USEC, 0, on_removal_time, removal) < 0)
        g_error("out of memory");
}

/* A start is never refused because of a failure here: the log entries matter more than their
 * fields. */
static bool logging_starting(BerthContainer *container, GError **error) {
    const BerthContainerRecord *record = &container->record;
    g_autofree char *name = g_strconcat("BERTH_CONTAINER=", record->id, NULL);
    g_autofree char *image = g_strconcat("BERTH_IMAGE=", record->image, NULL);
    const char *const fields[] = {name, record->image[0] ? image : NULL, NULL};
    g_autoptr(GError) local = NULL;

    (void)error;
    /* In its caller's unit, the fields would be set for that whole unit. */
    if (berth_container_is_with_caller(container))
        return true;
    if (!berth_log_fields_set(container->scope, fields, &local))
        berth_log_warning("BERTH_CONTAINER", record->id, "%s", local->message);
    return true;
}

static bool logging_swept(BerthContainers *containers, GError **error) {
    (void)error;
    berth_log_fields_sweep("berth-*.scope", is_needed, containers);
    return true;
}

const BerthPart berth_logging_part = {
    .name = "logging",
    .swept = logging_swept,
    .starting = logging_starting,
    .abandoned = logging_remove_later,
    .exited = logging_remove_later,
};
