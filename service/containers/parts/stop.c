/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Stopping a container, first with its own stop signal. The state here is the timer for SIGKILL,
 * from the request until the container has ended.
 */

#include "containers/parts/stop.h"

#include "containers/core/process.h"
#include "containers/parts/restart.h"

#include <signal.h>

#define LONGEST_TIMEOUT_USEC (24 * 3600 * (uint64_t)G_USEC_PER_SEC)

/* The container still exists and is running, since the timer is cleared when it ends. */
static int on_stop_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
    (void)source;
    (void)usec;
    (void)berth_container_kill(userdata, "", SIGKILL, true, NULL);
    return 0;
}

static void ignore_result(const GError *error, void *userdata) {
    (void)error;
    (void)userdata;
}

static void clear_stop_timer(BerthContainer *container) {
    void **slot = berth_container_slot(container, &berth_stop_part);

    if (*slot)
        *slot = sd_event_source_disable_unref(*slot);
}

/* A later request replaces the timeout, so it can shorten the wait. */
static void set_stop_timer(BerthContainer *container, uint64_t timeout_usec) {
    sd_event_source *timer = NULL;

    clear_stop_timer(container);
    /* Without a timer the container might never end, so it is killed immediately. */
    if (sd_event_add_time_relative(container->containers->event, &timer, CLOCK_MONOTONIC,
                                   MIN(timeout_usec, LONGEST_TIMEOUT_USEC), 0, on_stop_timeout,
                                   container) < 0)
        berth_container_kill(container, "", SIGKILL, true, NULL);
    *berth_container_slot(container, &berth_stop_part) = timer;
}

static bool refuse_stopped(const BerthContainer *container, GError **error) {
    return berth_error_set(error, BERTH_ERROR_BUSY, "container \"%s\" is being stopped",
                           container->record.id);
}

/* It has not run its command, so there is nothing to which a signal could be sent. */
static void cancel_start(BerthContainer *container) {
    g_autoptr(GError) error = NULL;

    (void)refuse_stopped(container, &error);
    container->first->start->cancel(container->first->start, error);
}

void berth_container_stop(BerthContainer *container, uint64_t timeout_usec) {
    const BerthContainerRecord *record = &container->record;

    berth_container_forbid_restart(container);
    if (!berth_container_is_running(container)) {
        if (berth_container_is_starting(container))
            cancel_start(container);
        return;
    }
    if (timeout_usec == UINT64_MAX)
        timeout_usec = record->stop_timeout_usec;
    berth_container_kill(container, "", record->stop_signal, false, NULL);
    /* A frozen process does not handle signals. */
    if (record->state == BERTH_CONTAINER_PAUSED)
        berth_container_set_paused(container, false, ignore_result, NULL);
    set_stop_timer(container, timeout_usec);
}

static void stop_requested(BerthContainer *container) {
    berth_container_stop(container, UINT64_MAX);
}

static bool stop_permits(const BerthContainer *container, BerthAction action, GError **error) {
    return action != BERTH_ACTION_PAUSE || !*berth_container_slot(container, &berth_stop_part) ||
           refuse_stopped(container, error);
}

const BerthPart berth_stop_part = {
    .name = "stop",
    .permits = stop_permits,
    .stop_requested = stop_requested,
    .exiting = clear_stop_timer,
    .freed = clear_stop_timer,
};
