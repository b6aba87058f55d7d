/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Restart policies: a container that was started, and that nobody has stopped (record.wanted), is
 * started again when it ends, with increasing delays if it keeps failing. The state here is a timer
 * and the number of consecutive restarts. The record counts the restarts since a client last
 * started the container.
 */

#include "containers/parts/restart.h"

#include "base/log.h"
#include "containers/core/state.h"
#include "containers/core/unfinished.h"
#include "containers/parts/checkpoint-end.h"

#define FIRST_DELAY_USEC (100ull * 1000)
#define LONGEST_DELAY_USEC (60ull * G_USEC_PER_SEC)
/* A run this long resets the back-off. */
#define GOOD_RUN_USEC (10ull * G_USEC_PER_SEC)

/* In the record's extra. */
#define RESTARTS "Restarts"

typedef struct {
    sd_event_source *timer;
    BerthHold *hold;   /* set while there is a timer */
    unsigned restarts; /* consecutive */
    bool restarts_now; /* the start in progress is a restart */
} RestartState;

static RestartState *find_restart_state(const BerthContainer *container) {
    return *berth_container_slot(container, &berth_restart_part);
}

static RestartState *get_restart_state(BerthContainer *container) {
    void **slot = berth_container_slot(container, &berth_restart_part);

    if (!*slot)
        *slot = g_new0(RestartState, 1);
    return *slot;
}

bool berth_container_is_restarting(const BerthContainer *container) {
    const RestartState *state = find_restart_state(container);

    return state && state->timer;
}

void berth_container_cancel_restart(BerthContainer *container) {
    RestartState *state = find_restart_state(container);

    if (state && state->timer)
        state->timer = sd_event_source_disable_unref(state->timer);
    if (state)
        g_clear_pointer(&state->hold, berth_hold_free);
}

void berth_container_forbid_restart(BerthContainer *container) {
    berth_container_cancel_restart(container);
    if (!container->record.wanted)
        return;
    container->record.wanted = false;
    (void)berth_container_write(container, NULL, NULL);
}

static void plan_restart(BerthContainer *container);

/* Refers to the container by id, since it may be gone when the start is answered. */
typedef struct {
    BerthContainers *containers;
    char *id;
} RestartedContainer;

static void restarted_free(gpointer data) {
    RestartedContainer *restarted = data;

    g_free(restarted->id);
    g_free(restarted);
}

static void on_restarted(const GError *error, void *userdata) {
    RestartedContainer *restarted = userdata;
    BerthContainer *container = berth_containers_find(restarted->containers, restarted->id, NULL);

    berth_unfinished_take(restarted->containers, restarted);
    if (container)
        get_restart_state(container)->restarts_now = false;
    if (error)
        berth_log_warning("BERTH_CONTAINER", restarted->id, "Cannot restart %s: %s", restarted->id,
                          error->message);
    /* A start that was refused has no exit, which would schedule the next one. */
    if (error && container && !berth_container_is_running(container))
        plan_restart(container);
    restarted_free(restarted);
}

static int on_restart_time(sd_event_source *source, uint64_t usec, void *userdata) {
    static const BerthContainerStreams none = BERTH_CONTAINER_NO_STREAMS;
    BerthContainer *container = userdata;
    RestartedContainer *restarted = g_new0(RestartedContainer, 1);

    (void)source;
    (void)usec;
    berth_container_cancel_restart(container);
    get_restart_state(container)->restarts_now = true;
    restarted->containers = container->containers;
    restarted->id = g_strdup(container->record.id);
    berth_unfinished_add(container->containers, restarted, restarted_free);
    berth_container_start(container, &none, on_restarted, restarted);
    return 0;
}

static bool has_restarts_left(const BerthContainer *container) {
    g_autoptr(GVariant) limit = berth_container_record_get_extra(
        &container->record, BERTH_RESTART_LIMIT, G_VARIANT_TYPE_UINT64);

    return !limit || berth_container_count_restarts(container) < g_variant_get_uint64(limit);
}

static bool restart_is_wanted(const BerthContainer *container) {
    const BerthContainerRecord *record = &container->record;

    return record->wanted && !berth_checkpoint_end_is_reason(container) &&
           (record->restart == BERTH_RESTART_ALWAYS ||
            (record->restart == BERTH_RESTART_ON_FAILURE && record->first.status != 0 &&
             has_restarts_left(container)));
}

static void plan_restart(BerthContainer *container) {
    const BerthContainerRecord *record = &container->record;
    RestartState *state = get_restart_state(container);

    if (!restart_is_wanted(container) || state->timer || berth_container_is_starting(container))
        return;
    if (record->first.exited_usec > record->first.started_usec + GOOD_RUN_USEC)
        state->restarts = 0;
    /* Doubled each time. The shift is limited, so that it cannot overflow. */
    uint64_t delay = FIRST_DELAY_USEC << MIN(state->restarts, 16u);
    state->restarts++;
    if (sd_event_add_time_relative(container->containers->event, &state->timer, CLOCK_MONOTONIC,
                                   MIN(delay, LONGEST_DELAY_USEC), 0, on_restart_time,
                                   container) < 0)
        berth_log_warning("BERTH_CONTAINER", record->id, "Cannot plan the restart of %s",
                          record->id);
    else
        state->hold = berth_hold_new(BERTH_HOLD_RESTART);
}

/* Also schedules a restart that was pending when the service ended. */
static void restart_recovered(BerthContainer *container, const BerthKeptDescriptors *kept) {
    (void)kept;
    if (!berth_container_is_running(container))
        plan_restart(container);
}

/* Any start replaces the scheduled one, including a start requested by a client. */
static bool restart_starting(BerthContainer *container, GError **error) {
    (void)error;
    berth_container_cancel_restart(container);
    return true;
}

unsigned berth_container_count_restarts(const BerthContainer *container) {
    g_autoptr(GVariant) value =
        berth_container_record_get_extra(&container->record, RESTARTS, G_VARIANT_TYPE_UINT32);

    return value ? g_variant_get_uint32(value) : 0;
}

static bool restart_recording(BerthContainer *container, GError **error) {
    const RestartState *state = find_restart_state(container);
    unsigned before = berth_container_count_restarts(container);
    /* A start by a client begins a new count. */
    unsigned count = state && state->restarts_now ? before + 1 : 0;

    (void)error;
    if (count != before)
        berth_container_record_set_extra(&container->record, RESTARTS,
                                         count > 0 ? g_variant_new_uint32(count) : NULL);
    return true;
}

static bool restart_permits(const BerthContainer *container, BerthAction action, GError **error) {
    return action != BERTH_ACTION_RENAME || !berth_container_is_restarting(container) ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "container \"%s\" is about to be restarted; stop it first",
                           container->record.id);
}

static void restart_freed(BerthContainer *container) {
    berth_container_cancel_restart(container);
    g_free(find_restart_state(container));
}

const BerthPart berth_restart_part = {
    .name = "restart",
    .permits = restart_permits,
    .recovered = restart_recovered,
    .starting = restart_starting,
    .recording = restart_recording,
    .exited = plan_restart,
    .freed = restart_freed,
};
