/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Exec: additional processes in a running container. Each has a row in berth.db and a pidfd that
 * systemd keeps, and its end is an event, like that of the first process. Processes that have ended
 * are kept for their status, until new ones displace the oldest. The container owns them all.
 */

#include "base/fd.h"
#include "base/limits.h"
#include "base/names.h"
#include "containers/core/object.h"
#include "containers/core/part.h"
#include "containers/core/process.h"
#include "containers/core/setup.h"
#include "containers/core/start.h"
#include "containers/spec/spec.h"

#include <string.h>

/* Per container, including those that have ended. */
enum { MAX_PROCESSES = 1000 };

static gint compare_end(gconstpointer a, gconstpointer b) {
    const BerthProcess *first = *(BerthProcess *const *)a, *second = *(BerthProcess *const *)b;

    return first->record->exited_usec < second->record->exited_usec ? -1 : 1;
}

static bool exec_make_room(BerthContainer *container, GError **error) {
    g_autoptr(GPtrArray) ended = g_ptr_array_new();
    GHashTableIter iterator;
    gpointer value;

    if (g_hash_table_size(container->processes) < MAX_PROCESSES)
        return true;
    g_hash_table_iter_init(&iterator, container->processes);
    while (g_hash_table_iter_next(&iterator, NULL, &value))
        /* A process that is being started counts as running (exec_add_process). */
        if (!((BerthProcess *)value)->record->running)
            g_ptr_array_add(ended, value);
    if (ended->len == 0)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                               "container \"%s\" runs %d processes already", container->record.id,
                               MAX_PROCESSES);
    g_ptr_array_sort(ended, compare_end);
    BerthProcess *oldest = ended->pdata[0];
    /* The row is deleted first: if that fails, the status is still available. */
    if (!berth_container_store_delete_process(container->containers->database, container->record.id,
                                              oldest->record->id, error))
        return false;
    berth_parts_process_dropped(oldest);
    g_hash_table_remove(container->processes, oldest->record->id);
    return true;
}

static bool check_exec(BerthContainer *container, const BerthExecOptions *options, GError **error) {
    /* Root may execute in a container whose owner has reached the limits. */
    uint32_t uid = options->by_root ? 0 : container->record.owner;

    if (!berth_name_check_process(options->process, error) ||
        !berth_container_check_running(container, error))
        return false;
    if (container->record.state == BERTH_CONTAINER_PAUSED)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" is paused; resume it first", container->record.id);
    if (!berth_container_check_not_starting(container, error) ||
        !berth_parts_permit(container, BERTH_ACTION_EXEC, error))
        return false;
    if (g_hash_table_contains(container->processes, options->process))
        return berth_error_set(error, BERTH_ERROR_ALREADY_EXISTS,
                               "container \"%s\" has a process \"%s\" already",
                               container->record.id, options->process);
    return berth_process_check_charge(uid,
                                      options->quiet ? BERTH_PROCESS_CHECK : BERTH_PROCESS_EXECUTED,
                                      options->terminal, error) &&
           exec_make_room(container, error);
}

/* A copy of the container's plan with another process in it. The container's own configuration does
 * not change. */
static BerthPlan *make_plan(const BerthContainer *container, const BerthExecOptions *options,
                            GError **error) {
    size_t size;
    g_autofree char *text = berth_container_read_config(container, &size, error);

    return text ? berth_spec_make_exec(text, size, options, error) : NULL;
}

/* For display only: cut to the length that is kept of any text. */
static char *shorten_command(char *const *command) {
    g_autofree char *text = g_strjoinv(" ", (char **)command);

    return g_utf8_make_valid(text, (gssize)strnlen(text, BERTH_MAX_TEXT_BYTES));
}

/* The process counts as running from the beginning, so that exec_make_room() does not take it for
 * one that has ended. */
static BerthProcess *exec_add_process(BerthContainer *container, const BerthExecOptions *options,
                                      char *const *command) {
    BerthProcessRecord *record = g_new0(BerthProcessRecord, 1);

    *record = (BerthProcessRecord){
        .container = g_strdup(container->record.id),
        .id = g_strdup(options->process),
        .command = shorten_command(command),
        .running = true,
        .status = BERTH_STATUS_UNKNOWN,
    };
    return berth_process_new(container,
                             options->quiet ? BERTH_PROCESS_CHECK : BERTH_PROCESS_EXECUTED, record);
}

void berth_container_exec(BerthContainer *container, const BerthExecOptions *options,
                          const BerthContainerStreams *streams, BerthContainerDone done,
                          void *userdata) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthPlan) plan = NULL;
    berth_autofd int config = -1;

    if (check_exec(container, options, &error) && (plan = make_plan(container, options, &error)) &&
        (config = berth_container_setup_make(container->record.id, plan, &error)) >= 0)
        berth_start_exec(exec_add_process(container, options, plan->arguments), config, streams,
                         done, userdata);
    else
        done(error, userdata);
}
