/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Restart=: a container that was started and that nobody stopped is started again, at longer and
 * longer intervals when it does not live. */

#include "base/log.h"
#include "containers/container-private.h"

#define FIRST_DELAY_USEC (100ull * 1000)
#define LONGEST_DELAY_USEC (60ull * G_USEC_PER_SEC)
/* What has run for so long was well. */
#define GOOD_RUN_USEC (10ull * G_USEC_PER_SEC)

void berth_container_cancel_restart(BerthContainer *container) {
    if (container->restart_timer)
        container->restart_timer = sd_event_source_disable_unref(container->restart_timer);
}

typedef struct {
    BerthContainers *containers;
    char *id;
} Restarted;

static void on_started(const GError *error, void *userdata) {
    Restarted *restarted = userdata;
    BerthContainer *container = berth_containers_find(restarted->containers, restarted->id, NULL);

    if (error)
        berth_log_warning("BERTH_CONTAINER", restarted->id, "Cannot start %s again: %s",
                          restarted->id, error->message);
    /* What never came to life has no end that would ask for the next try. */
    if (error && container && !container->restart_timer && !berth_container_is_running(container))
        berth_container_restart_if_wanted(container);
    g_free(restarted->id);
    g_free(restarted);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
    static const BerthContainerStreams none = BERTH_CONTAINER_NO_STREAMS;
    BerthContainer *container = userdata;
    Restarted *restarted = g_new0(Restarted, 1);

    (void)source;
    (void)usec;
    berth_container_cancel_restart(container);
    restarted->containers = container->containers;
    restarted->id = g_strdup(container->record.id);
    berth_container_start(container, &none, on_started, restarted);
    return 0;
}

static bool asks_for_it(const BerthContainerRecord *record) {
    if (!record->wanted || !record->restart)
        return false;
    return g_str_equal(record->restart, "always") ||
           (g_str_equal(record->restart, "on-failure") && record->first.status != 0);
}

void berth_container_restart_if_wanted(BerthContainer *container) {
    const BerthContainerRecord *record = &container->record;

    if (!asks_for_it(record) || container->restart_timer || container->first->launch)
        return;
    if (record->first.exited_usec > record->first.started_usec + GOOD_RUN_USEC)
        container->restarts = 0;
    uint64_t delay = FIRST_DELAY_USEC << MIN(container->restarts, 16u);
    container->restarts++;
    if (sd_event_add_time_relative(container->containers->event, &container->restart_timer,
                                   CLOCK_MONOTONIC, MIN(delay, LONGEST_DELAY_USEC), 0, on_timer,
                                   container) < 0)
        berth_log_warning("BERTH_CONTAINER", record->id, "Cannot start %s again", record->id);
}
