/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The states of a container, and the events of their changes:
 *
 *   created ──start──► running ◄──pause, resume──► paused
 *      │                │  ▲                          │
 *      └─────exit─────► stopped ◄────────exit─────────┘
 *
 * A start that fails before a process exists also ends in "stopped", from "created" or from
 * "stopped". Record and event are written in one transaction, and the event is passed on only after
 * that: a client that asks after an event sees the state that the event reports. The container owns
 * its record; only this file changes the state in it.
 */

#include "containers/core/state.h"

#include "containers/core/unreleased.h"
#include "systemd/pidfd.h"

static const struct {
    BerthContainerState from, to;
    const char *event;
} transitions[] = {
    {BERTH_CONTAINER_CREATED, BERTH_CONTAINER_RUNNING, "start"},
    {BERTH_CONTAINER_STOPPED, BERTH_CONTAINER_RUNNING, "start"},
    {BERTH_CONTAINER_RUNNING, BERTH_CONTAINER_PAUSED, "pause"},
    {BERTH_CONTAINER_PAUSED, BERTH_CONTAINER_RUNNING, "resume"},
    {BERTH_CONTAINER_RUNNING, BERTH_CONTAINER_STOPPED, "exit"},
    {BERTH_CONTAINER_PAUSED, BERTH_CONTAINER_STOPPED, "exit"},
    {BERTH_CONTAINER_CREATED, BERTH_CONTAINER_STOPPED, "exit"},
    {BERTH_CONTAINER_STOPPED, BERTH_CONTAINER_STOPPED, "exit"},
};

static const char *find_event(BerthContainerState from, BerthContainerState to) {
    for (size_t i = 0; i < G_N_ELEMENTS(transitions); i++)
        if (transitions[i].from == from && transitions[i].to == to)
            return transitions[i].event;
    /* Callers check the state first, so a client cannot reach this. */
    g_assert_not_reached();
}

static void begin_run(BerthContainer *container) {
    BerthProcessRecord *process = &container->record.first;

    berth_container_forget_unreleased(container);
    container->record.wanted = true;
    process->running = true;
    process->started_usec = (uint64_t)g_get_real_time();
    process->exited_usec = 0;
    process->status = BERTH_STATUS_UNKNOWN;
    process->pid_start = berth_pid_get_start((pid_t)process->pid);
    g_free(process->boot);
    process->boot = g_strdup(container->containers->boot);
}

static void end_run(BerthContainer *container, int status) {
    BerthProcessRecord *process = &container->record.first;

    process->running = false;
    process->status = status;
    process->exited_usec = (uint64_t)g_get_real_time();
}

bool berth_container_set_state(BerthContainer *container, BerthContainerState state, int status,
                               GError **error) {
    const char *event = find_event(container->record.state, state);

    if (state == BERTH_CONTAINER_RUNNING)
        container->changes++;
    if (state == BERTH_CONTAINER_STOPPED)
        end_run(container, status);
    /* Pausing and resuming belong to the same run. */
    else if (!berth_container_is_running(container))
        begin_run(container);
    container->record.state = state;
    return berth_container_write(container, event, error);
}

bool berth_container_write(BerthContainer *container, const char *event, GError **error) {
    uint64_t sequence = 0;

    if (!berth_container_store_put(container->containers->database, &container->record, event,
                                   &sequence, error))
        return false;
    if (event)
        berth_container_pass_event(container, sequence);
    return true;
}

/* An event that cannot be recorded is dropped; the container continues. */
void berth_container_add_event(BerthContainer *container, const char *kind) {
    uint64_t sequence;

    if (berth_container_store_add_event(container->containers->database, &container->record, kind,
                                        &sequence, NULL))
        berth_container_pass_event(container, sequence);
}

/* The event is read back from the database, so that the observer sees it exactly as clients will
 * read it later. */
void berth_container_pass_event(BerthContainer *container, uint64_t sequence) {
    BerthContainers *containers = container->containers;
    g_autoptr(BerthEvent) event = berth_event_store_get(containers->database, sequence);

    if (event && containers->observer)
        containers->observer(event, container, containers->userdata);
}
