/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The end of a process, from the moment its pidfd becomes readable until its waiters have been
 * answered. The parts act on it in the order of their table.
 */

#include "containers/core/exit.h"

#include "base/log.h"
#include "containers/core/cgroup.h"
#include "containers/core/part.h"
#include "containers/core/process.h"
#include "containers/core/state.h"
#include "containers/core/unreleased.h"
#include "containers/core/waiters.h"

#include <signal.h>

static void log_exit(const BerthContainerRecord *record) {
    g_autofree char *status = record->first.status == BERTH_STATUS_UNKNOWN
                                  ? g_strdup("status unknown")
                                  : g_strdup_printf("status %d", record->first.status);

    berth_log(LOG_INFO, BERTH_MESSAGE_CONTAINER_EXITED, "BERTH_CONTAINER", record->id,
              "Container %s exited; %s", record->id, status);
}

/* systemd stops a scope by itself, but not before its last process has ended. */
static void end_cgroup(BerthContainer *container) {
    g_autoptr(GVariant) leaves = berth_container_record_get_extra(
        &container->record, BERTH_LEAVES_PROCESSES, G_VARIANT_TYPE_BOOLEAN);

    if (berth_container_is_with_caller(container))
        berth_container_leave_cgroup(container);
    else if (leaves)
        berth_container_signal_all(container, SIGKILL);
}

static void end_container(BerthContainer *container, int status) {
    const BerthContainerRecord *record = &container->record;
    BerthProcess *first = container->first;
    g_autoptr(GError) error = NULL;

    if (berth_container_note_unreleased(container, status))
        status = BERTH_STATUS_UNKNOWN;
    berth_parts_exiting(container);
    if (!berth_container_set_state(container, BERTH_CONTAINER_STOPPED, status, &error))
        berth_log_warning("BERTH_CONTAINER", record->id, "Cannot record the exit of %s: %s",
                          record->id, error->message);
    /* After the record: until it is written, only the pidfd that systemd keeps knows the status. */
    berth_process_forget(first);
    log_exit(record);
    end_cgroup(container);
    /* A failed start is answered before anyone who waits for the end: its error gives the
     * reason. */
    if (first->start)
        first->start->settle(first->start, status);
    berth_parts_process_exited(first);
    berth_parts_exited(container);
    berth_parts_settled(container);
    /* Last: a waiter may delete the container. */
    berth_process_answer_waiters(first);
}

bool berth_process_record(BerthProcess *process, const char *event, GError **error) {
    BerthContainer *container = process->container;
    uint64_t sequence;

    if (process->kind == BERTH_PROCESS_CHECK)
        return true;
    if (!berth_container_store_put_process(container->containers->database, process->record,
                                           container->record.owner, event, &sequence, error))
        return false;
    berth_container_pass_event(container, sequence);
    return true;
}

static void end_executed(BerthProcess *process, int status) {
    BerthProcessRecord *record = process->record;
    g_autoptr(GError) error = NULL;

    record->running = false;
    record->status = status;
    record->exited_usec = (uint64_t)g_get_real_time();
    /* The start of an executed process is an event too, recorded when the start ends. It must
     * precede the exit event, even if the process started and ended in the same iteration of the
     * loop. */
    if (process->start)
        process->start->settle(process->start, status);
    if (!berth_process_record(process, "exit", &error))
        berth_log_warning("BERTH_CONTAINER", record->container,
                          "Cannot record the exit of process %s: %s", record->id, error->message);
    berth_process_forget(process);
    berth_parts_process_exited(process);
    berth_parts_settled(process->container);
    berth_process_answer_waiters(process);
    if (process->kind == BERTH_PROCESS_CHECK)
        /* Nobody asks for the status of the service's own checks again. */
        g_hash_table_remove(process->container->processes, record->id);
}

/* The watch is removed first: the pidfd of a process that has ended stays readable. */
void berth_process_set_exited(BerthProcess *process, int status) {
    berth_process_unwatch(process);
    if (process->kind == BERTH_PROCESS_FIRST)
        end_container(process->container, status);
    else
        end_executed(process, status);
}
