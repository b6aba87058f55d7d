/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds containers again after a restart of the service. berth.db says which should be running, and
 * systemd has kept the pidfds, so the exit status of a process that has ended meanwhile is still
 * known. A process that cannot be found has ended, and is handled like any other exit (exit.c).
 * There is no state here.
 */

#include "containers/core/recover.h"

#include "base/directory.h"
#include "base/fd.h"
#include "base/log.h"
#include "containers/core/cgroup.h"
#include "containers/core/exit.h"
#include "containers/core/part.h"
#include "containers/core/process.h"
#include "containers/core/secrets.h"
#include "snapshots/trash.h"
#include "store/event-store.h"
#include "systemd/pidfd.h"
#include "systemd/unit-list.h"

#include <errno.h>

static bool recover_process(BerthProcess *process, const BerthKeptDescriptors *kept,
                            GError **error) {
    int pidfd = berth_process_find_again(process, kept);

    /* Even if the process has ended: its terminal is kept for output that has not been read. */
    berth_parts_process_recovered(process, kept);
    /* The pidfd of a process that has ended meanwhile is readable, so the loop picks up its
     * status. */
    if (pidfd >= 0)
        return berth_process_watch(process, pidfd, berth_process_set_exited, error);
    if (process->record->running)
        berth_process_set_exited(process, BERTH_STATUS_UNKNOWN);
    return true;
}

static bool recover_container(BerthContainer *container, const BerthKeptDescriptors *kept,
                              GError **error) {
    /* A reboot is no reason to restart a container: what must run after boot is started by
     * systemd. */
    if (g_strcmp0(container->record.first.boot, container->containers->boot) != 0)
        container->record.wanted = false;
    berth_secrets_recover(container, kept);
    if (!recover_process(container->first, kept, error))
        return false;
    /* An interrupted start may have left its cgroup behind. */
    if (berth_container_is_with_caller(container) && !berth_container_is_running(container))
        berth_container_leave_cgroup(container);
    berth_parts_recovered(container, kept);
    return true;
}

static bool recover_executed(BerthContainers *containers, const BerthKeptDescriptors *kept,
                             GError **error) {
    g_autoptr(GPtrArray) records =
        berth_container_store_list_processes(containers->database, error);
    bool good = records != NULL;

    while (good && records->len > 0) {
        BerthProcessRecord *record = g_ptr_array_steal_index(records, 0);
        BerthContainer *container = berth_containers_find(containers, record->container, NULL);
        if (container)
            good = recover_process(berth_process_new(container, BERTH_PROCESS_EXECUTED, record),
                                   kept, error);
        else
            berth_process_record_free(record);
    }
    return good;
}

/* Directories without a row are left by a creation or a removal that a crash interrupted. */
static bool remove_orphans(BerthContainers *containers, GError **error) {
    berth_autolist DIR *list = berth_directory_list(containers->directory);
    const char *name;

    if (!list)
        return berth_error_set_errno(error, errno, "list containers");
    while ((name = berth_directory_next(list))) {
        if (g_str_has_prefix(name, BERTH_TRASH_PREFIX) ||
            g_hash_table_contains(containers->by_id, name))
            continue;
        berth_log(LOG_NOTICE, BERTH_MESSAGE_STATE_REPAIRED, "BERTH_CONTAINER", name,
                  "Removing what is left of container %s", name);
        berth_trash_take_remains(containers->event, containers->directory, name, "BERTH_CONTAINER");
    }
    return true;
}

/* The scope of a container that is not running is left by a start that a crash interrupted. The
 * process is gone, which systemd may not have noticed. */
static void on_scope_seen(const char *unit, void *userdata) {
    BerthContainers *containers = userdata;
    BerthContainer *container;

    if (!unit) {
        containers->scopes_unknown = false;
        return;
    }
    container = berth_containers_find_by_scope(containers, unit);
    if (container && !berth_container_is_starting(container) &&
        !berth_container_is_running(container))
        berth_scopes_stop(containers->scopes, unit);
}

/* Everything that belongs to a container has been taken by now. The rest would only fill systemd's
 * store, whose size is limited (systemd.service(5), FileDescriptorStoreMax=). */
static void drop_remaining(const BerthKeptDescriptors *kept) {
    for (unsigned i = 0; i < kept->count; i++)
        if (kept->fds[i] >= 0) {
            berth_fd_store_remove(kept->names[i]);
            berth_fd_clear(&kept->fds[i]);
        }
}

bool berth_containers_recover(BerthContainers *containers, char **names, int *fds, unsigned count,
                              GError **error) {
    /* Events first, since recovery itself records an event for everything that has ended
     * meanwhile. */
    g_autoptr(GPtrArray) records = berth_event_store_repair(containers->database, error)
                                       ? berth_container_store_list(containers->database, error)
                                       : NULL;
    const BerthKeptDescriptors kept = {names, fds, count};
    g_autoptr(GPtrArray) list = NULL;

    /* Before any process is looked for, so that no exit from here on is missed. */
    if (records && records->len > 0)
        containers->exits = berth_exits_new();
    for (guint i = 0; records && i < records->len; i++)
        berth_container_new(containers, records->pdata[i]);
    list = berth_containers_list(containers);
    bool good = records && recover_executed(containers, &kept, error);
    for (guint i = 0; good && i < list->len; i++)
        good = recover_container(list->pdata[i], &kept, error);
    drop_remaining(&kept);
    containers->scopes_unknown = true;
    berth_units_list(containers->bus, "berth-*.scope", on_scope_seen, containers);
    berth_trash_sweep(containers->event, containers->directory);
    /* An interrupted rename must find its directory before directories without a row are
     * removed. */
    return good && berth_parts_swept(containers, error) && remove_orphans(containers, error);
}
