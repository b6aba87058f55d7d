/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Removing a container. It is one act, from when it is asked for: nothing new begins in the
 * container, what runs there is killed if that was asked for too, and when the last of it has ended
 * the row and the directory go, and those who asked have their answers. A removal with force is on
 * disk before the kill, as AutoRemove= is: a service that dies in between finds the container again
 * and goes on.
 */

#include "base/fd.h"
#include "base/log.h"
#include "containers/container-private.h"
#include "snapshots/trash.h"
#include "systemd/cgroup.h"

#include <signal.h>

typedef struct {
    BerthContainerExited removed;
    void *userdata;
} Asker;

static void fail_waiters(BerthContainer *container) {
    g_autoptr(GError) error = NULL;

    berth_error_set(&error, BERTH_ERROR_NOT_FOUND,
                    "container \"%s\" was deleted before it was started", container->record.id);
    berth_process_fail_waiters(container->first, error);
    berth_process_answer_attaching(container->first, error);
}

static void drop_terminals(BerthContainer *container) {
    GHashTableIter iterator;
    gpointer process;

    berth_process_drop_terminal(container->first);
    g_hash_table_iter_init(&iterator, container->processes);
    while (g_hash_table_iter_next(&iterator, NULL, &process))
        berth_process_drop_terminal(process);
}

static void run_poststop_hooks(BerthContainer *container) {
    BerthContainers *containers = container->containers;
    const BerthContainerRecord *record = &container->record;
    berth_autofd int directory =
        openat(containers->directory, record->id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autoptr(GError) error = NULL;

    if (!berth_launch_afterwards(containers->event, containers->program, "poststop", record->id, 0,
                                 directory, &error))
        berth_log_warning("BERTH_CONTAINER", record->id, "%s", error->message);
}

bool berth_container_delete(BerthContainer *container, GError **error) {
    BerthContainers *containers = container->containers;
    const char *id = container->record.id;
    uint64_t sequence;

    if (!berth_container_store_delete(containers->database, &container->record, &sequence, error))
        return false;
    if (container->record.poststop)
        run_poststop_hooks(container);
    /* Without its row the directory is trash, whenever a crash comes. */
    g_autoptr(GError) local = NULL;
    if (!berth_trash_take(containers->event, containers->directory, id, &local))
        berth_log_warning("BERTH_CONTAINER", id, "%s", local->message);
    drop_terminals(container);
    berth_container_tell(container, sequence);
    fail_waiters(container);
    g_hash_table_remove(containers->by_id, id);
    return true;
}

/* Those that were executed: they end with the first, but are heard of each by itself. */
static bool has_processes(const BerthContainer *container) {
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, container->processes);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthProcess *process = value;
        if (process->launch || process->watch)
            return true;
    }
    return false;
}

static bool is_at_work(const BerthContainer *container) {
    return berth_container_is_running(container) || container->first->launch ||
           has_processes(container) || berth_helpers_have(container);
}

static void answer(GPtrArray *askers, int status, uint64_t exited_usec, const GError *error) {
    for (guint i = 0; i < askers->len; i++) {
        const Asker *asker = askers->pdata[i];
        asker->removed(status, exited_usec, error, asker->userdata);
    }
}

static void finish(BerthContainer *container) {
    g_autoptr(GPtrArray) askers = g_steal_pointer(&container->removal);
    g_autofree char *id = g_strdup(container->record.id);
    int status = container->record.first.status;
    uint64_t exited_usec = container->record.first.exited_usec;
    g_autoptr(GError) error = NULL;

    if (!berth_container_delete(container, &error) && askers->len == 0)
        berth_log_warning("BERTH_CONTAINER", id, "Cannot remove %s: %s", id, error->message);
    answer(askers, status, exited_usec, error);
}

/* By its id: it may be gone by then. */
typedef struct {
    BerthContainers *containers;
    char *id;
} Look;

static int on_look(sd_event_source *source, void *userdata) {
    Look *look = userdata;
    BerthContainer *container = berth_containers_find(look->containers, look->id, NULL);

    sd_event_source_unref(source);
    if (container && container->removal && !is_at_work(container))
        finish(container);
    g_free(look->id);
    g_free(look);
    return 0;
}

void berth_container_go_on_removing(BerthContainer *container) {
    Look *look;
    sd_event_source *source;

    if (!container->removal)
        return;
    look = g_new0(Look, 1);
    *look = (Look){container->containers, g_strdup(container->record.id)};
    if (sd_event_add_defer(container->containers->event, &source, on_look, look) < 0)
        g_error("out of memory");
}

static void begin(BerthContainer *container) {
    if (!container->removal)
        container->removal = g_ptr_array_new_with_free_func(g_free);
    berth_container_cancel_restart(container);
    berth_container_go_on_removing(container);
}

void berth_container_remove_soon(BerthContainer *container) {
    begin(container);
}

bool berth_container_check_kept(const BerthContainer *container, GError **error) {
    return !container->removal ||
           berth_error_set(error, BERTH_ERROR_BUSY, "container \"%s\" is being deleted",
                           container->record.id);
}

/* Without a record it is removed by this service only. */
static void record_removal(BerthContainer *container) {
    container->record.wanted = false;
    container->record.auto_remove = true;
    berth_container_change(container, NULL, NULL);
}

static void fail_launches(BerthContainer *container) {
    g_autoptr(GError) error = NULL;
    GHashTableIter iterator;
    gpointer value;

    (void)berth_container_check_kept(container, &error);
    berth_helpers_cancel(container, error);
    if (container->first->launch)
        berth_launch_fail(container->first->launch, error);
    g_hash_table_iter_init(&iterator, container->processes);
    while (g_hash_table_iter_next(&iterator, NULL, &value))
        if (((BerthProcess *)value)->launch)
            berth_launch_fail(((BerthProcess *)value)->launch, error);
}

/* What was executed may outlive the first process, if it is in another pid namespace. */
static void kill_all(BerthContainer *container) {
    if (berth_container_is_running(container))
        berth_container_kill(container, "", SIGKILL, true, NULL);
    else if (has_processes(container))
        berth_scopes_kill(container->containers->scopes, container->scope, SIGKILL, NULL, NULL);
}

static bool check_stopped(const BerthContainer *container, GError **error) {
    if (berth_container_is_running(container) || container->first->launch)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" is running; stop it first", container->record.id);
    return container->removal || berth_container_check_idle(container, error);
}

void berth_container_remove(BerthContainer *container, bool force, BerthContainerExited removed,
                            void *userdata) {
    g_autoptr(GError) error = NULL;

    if (!force && !check_stopped(container, &error)) {
        removed(BERTH_STATUS_UNKNOWN, 0, error, userdata);
        return;
    }
    begin(container);
    Asker *asker = g_new0(Asker, 1);
    *asker = (Asker){removed, userdata};
    g_ptr_array_add(container->removal, asker);
    if (!is_at_work(container)) {
        finish(container);
        return;
    }
    if (force) {
        record_removal(container);
        fail_launches(container);
    }
    kill_all(container);
}
