/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Removing a container. A removal begins when it is first requested. From then on nothing can be
 * started in the container, and everything that is running there is killed if the request says so.
 * After the last process has ended, the row and the directory are removed and all requests are
 * answered. A forced removal is written to disk before the kill, in the form of AutoRemove=, so
 * that after a crash of the service the next instance finds the container and continues.
 *
 * A container is being removed while its slot here has a list of requests, which may be empty.
 */

#include "containers/parts/remove.h"

#include "base/fd.h"
#include "base/log.h"
#include "containers/core/cgroup.h"
#include "containers/core/launcher.h"
#include "containers/core/pod.h"
#include "containers/core/process.h"
#include "containers/core/secrets.h"
#include "containers/core/state.h"
#include "containers/core/waiters.h"
#include "containers/parts/helper.h"
#include "containers/parts/restart.h"
#include "snapshots/trash.h"

#include <signal.h>

typedef struct {
    BerthContainerExited removed;
    void *userdata;
} RemoveRequest;

static GPtrArray *get_requests(const BerthContainer *container) {
    return *berth_container_slot(container, &berth_remove_part);
}

/* Only a container that was never started can still have waiters: after an end they have been
 * answered. */
static void fail_waiters(BerthContainer *container) {
    g_autoptr(GError) error = NULL;

    berth_error_set(&error, BERTH_ERROR_NOT_FOUND,
                    "container \"%s\" was deleted before it was started", container->record.id);
    berth_process_fail_waiters(container->first, error);
}

/* The runtime specification requires them to run after the container has been deleted (config.md,
 * "Poststop"). The launcher has a descriptor of the directory, so the directory can be moved to the
 * trash immediately. */
static void run_poststop_hooks(BerthContainer *container) {
    BerthContainers *containers = container->containers;
    const BerthContainerRecord *record = &container->record;
    berth_autofd int directory =
        openat(containers->directory, record->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    g_autoptr(GError) error = NULL;

    if (!berth_launcher_spawn_poststop_hooks(containers->event, containers->program, record->id,
                                             directory, &error))
        berth_log_warning("BERTH_CONTAINER", record->id, "%s", error->message);
}

/* Deletes its row and its files. Nothing is running in it. */
static bool delete_container(BerthContainer *container, GError **error) {
    BerthContainers *containers = container->containers;
    const char *id = container->record.id;
    uint64_t sequence;

    if (!berth_container_store_delete(containers->database, &container->record, &sequence, error))
        return false;
    berth_container_leave_unseen_scope(container);
    if (container->record.poststop)
        run_poststop_hooks(container);
    /* Without its row the directory is trash, even if a crash comes before it is moved. */
    g_autoptr(GError) local = NULL;
    if (!berth_trash_take(containers->event, containers->directory, id, &local))
        berth_log_warning("BERTH_CONTAINER", id, "%s", local->message);
    berth_parts_processes_dropped(container);
    berth_container_pass_event(container, sequence);
    fail_waiters(container);
    berth_secrets_forget(container);
    berth_parts_deleted(container);
    g_hash_table_remove(containers->by_id, id);
    return true;
}

static bool is_in_use(const BerthContainer *container) {
    return berth_container_is_running(container) || berth_container_is_starting(container) ||
           berth_container_has_executed(container) || berth_helpers_are_at_work(container);
}

static void finish_removal(BerthContainer *container) {
    void **slot = berth_container_slot(container, &berth_remove_part);
    g_autoptr(GPtrArray) requests = g_steal_pointer(slot);
    g_autofree char *id = g_strdup(container->record.id);
    int status = container->record.first.status;
    uint64_t exited_usec = container->record.first.exited_usec;
    g_autoptr(GError) error = NULL;

    /* If this fails, the removal is over, and the container can be used again. */
    if (!delete_container(container, &error) && requests->len == 0)
        berth_log_warning("BERTH_CONTAINER", id, "Cannot remove %s: %s", id, error->message);
    for (guint i = 0; i < requests->len; i++) {
        const RemoveRequest *request = requests->pdata[i];
        request->removed(status, exited_usec, error, request->userdata);
    }
}

/* Refers to the container by id, since it may be gone by then. */
typedef struct {
    BerthContainers *containers;
    char *id;
} RemovalCheck;

static int on_removal_check(sd_event_source *source, void *userdata) {
    RemovalCheck *check = userdata;
    BerthContainer *container = berth_containers_find(check->containers, check->id, NULL);

    sd_event_source_unref(source);
    if (container && get_requests(container) && !is_in_use(container))
        finish_removal(container);
    g_free(check->id);
    g_free(check);
    return 0;
}

/* The function that has just ended something may still use the container, so the deletion is
 * deferred to the event loop. */
static void continue_removal(BerthContainer *container) {
    RemovalCheck *check;
    sd_event_source *source;

    if (!get_requests(container))
        return;
    check = g_new0(RemovalCheck, 1);
    *check = (RemovalCheck){container->containers, g_strdup(container->record.id)};
    if (sd_event_add_defer(container->containers->event, &source, on_removal_check, check) < 0)
        g_error("out of memory");
}

void berth_container_remove_soon(BerthContainer *container) {
    void **slot = berth_container_slot(container, &berth_remove_part);

    if (!*slot)
        *slot = g_ptr_array_new_with_free_func(g_free);
    berth_container_cancel_restart(container);
    continue_removal(container);
}

bool berth_container_check_kept(const BerthContainer *container, GError **error) {
    return !get_requests(container) ||
           berth_error_set(error, BERTH_ERROR_BUSY, "container \"%s\" is being deleted",
                           container->record.id);
}

/* If this fails, the removal does not survive a restart of the service. */
static void record_removal(BerthContainer *container) {
    container->record.wanted = false;
    container->record.auto_remove = true;
    (void)berth_container_write(container, NULL, NULL);
}

/* Cancels what has begun in the container. Every start ends with this error. */
static void cancel_starts(BerthContainer *container) {
    g_autoptr(GError) error = NULL;
    GHashTableIter iterator;
    gpointer value;

    (void)berth_container_check_kept(container, &error);
    berth_helpers_cancel(container, error);
    if (container->first->start)
        container->first->start->cancel(container->first->start, error);
    g_hash_table_iter_init(&iterator, container->processes);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        BerthStart *start = ((BerthProcess *)value)->start;
        if (start)
            start->cancel(start, error);
    }
}

/* Executed processes may outlive the first one if they are in another PID namespace. */
static void kill_all(BerthContainer *container) {
    if (berth_container_is_running(container))
        berth_container_kill(container, "", SIGKILL, true, NULL);
    else if (berth_container_has_executed(container))
        berth_container_signal_all(container, SIGKILL);
}

static bool check_stopped(const BerthContainer *container, GError **error) {
    if (berth_container_is_running(container) || berth_container_is_starting(container))
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" is running; stop it first", container->record.id);
    return get_requests(container) || berth_parts_permit(container, BERTH_ACTION_REMOVE, error);
}

void berth_container_remove(BerthContainer *container, bool force, BerthContainerExited removed,
                            void *userdata) {
    g_autoptr(GError) error = NULL;

    if (!force && !check_stopped(container, &error)) {
        removed(BERTH_STATUS_UNKNOWN, 0, error, userdata);
        return;
    }
    berth_container_remove_soon(container);
    RemoveRequest *request = g_new0(RemoveRequest, 1);
    *request = (RemoveRequest){removed, userdata};
    g_ptr_array_add(get_requests(container), request);
    if (!is_in_use(container)) {
        finish_removal(container);
        return;
    }
    if (force) {
        record_removal(container);
        cancel_starts(container);
    }
    /* Even without force: executed processes may have outlived the first one. */
    kill_all(container);
}

static bool remove_permits(const BerthContainer *container, BerthAction action, GError **error) {
    return action == BERTH_ACTION_REMOVE || action == BERTH_ACTION_PAUSE ||
           berth_container_check_kept(container, error);
}

/* A pod is removed after its containers (pods.c). */
static void remove_exited(BerthContainer *container) {
    if (container->record.auto_remove && !berth_container_is_pod(container))
        berth_container_remove_soon(container);
}

/* The service died after such a container had ended, but before it was removed. */
static void remove_recovered(BerthContainer *container, const BerthKeptDescriptors *kept) {
    (void)kept;
    if (container->record.state == BERTH_CONTAINER_STOPPED)
        remove_exited(container);
}

static void remove_freed(BerthContainer *container) {
    if (get_requests(container))
        g_ptr_array_unref(get_requests(container));
}

const BerthPart berth_remove_part = {
    .name = "remove",
    .permits = remove_permits,
    .recovered = remove_recovered,
    .exited = remove_exited,
    .settled = continue_removal,
    .freed = remove_freed,
};
