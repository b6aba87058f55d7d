/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Callers that wait for the end of a process. Each is called once and then removed, or removed when
 * its client disconnects. The process owns its waiters.
 */

#include "containers/core/waiters.h"

#include "containers/core/process.h"
#include "containers/core/unreleased.h"

typedef struct {
    BerthContainerExited exited;
    void *userdata;
} Waiter;

/* The list is taken first, since a waiter may wait again from its callback, or delete the
 * process. */
static void call_waiters(BerthProcess *process, int status, uint64_t exited_usec,
                         const GError *error) {
    g_autoptr(GPtrArray) waiters = g_steal_pointer(&process->waiters);

    process->waiters = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < waiters->len; i++) {
        const Waiter *waiter = waiters->pdata[i];
        waiter->exited(status, exited_usec, error, waiter->userdata);
    }
}

void berth_process_answer_waiters(BerthProcess *process) {
    g_autoptr(GError) error = NULL;

    (void)berth_process_check_released(process, &error);
    call_waiters(process, process->record->status, process->record->exited_usec, error);
}

void berth_process_fail_waiters(BerthProcess *process, const GError *error) {
    call_waiters(process, BERTH_STATUS_UNKNOWN, 0, error);
}

/* A process that has ended is answered immediately from its record, including one whose end an
 * earlier instance of the service recorded. */
void berth_container_wait(BerthContainer *container, const char *id, BerthContainerExited exited,
                          void *userdata) {
    g_autoptr(GError) error = NULL;
    BerthProcess *process = berth_container_find_process(container, id, &error);

    if (!process) {
        exited(BERTH_STATUS_UNKNOWN, 0, error, userdata);
        return;
    }
    if (berth_process_has_ended(process)) {
        (void)berth_process_check_released(process, &error);
        exited(process->record->status, process->record->exited_usec, error, userdata);
        return;
    }
    Waiter *waiter = g_new0(Waiter, 1);
    *waiter = (Waiter){exited, userdata};
    g_ptr_array_add(process->waiters, waiter);
}

static bool forget_waiter(BerthProcess *process, void *userdata) {
    for (guint i = 0; i < process->waiters->len; i++)
        if (((Waiter *)process->waiters->pdata[i])->userdata == userdata) {
            g_ptr_array_remove_index(process->waiters, i);
            return true;
        }
    return false;
}

bool berth_containers_forget_wait(BerthContainers *containers, void *userdata) {
    GHashTableIter iterator, inner;
    gpointer value, process;

    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        BerthContainer *container = value;
        if (forget_waiter(container->first, userdata))
            return true;
        g_hash_table_iter_init(&inner, container->processes);
        while (g_hash_table_iter_next(&inner, NULL, &process))
            if (forget_waiter(process, userdata))
                return true;
    }
    return false;
}
