/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A process of a container, identified by a pidfd. The service holds one while the process runs,
 * and systemd keeps a duplicate: a pidfd still reports the exit status after another process has
 * reaped it (systemd/pidfd.h).
 *
 * Its container owns it. A start (start.c) brings it to life, and exit.c records its end.
 */

#include "containers/core/process.h"

#include "base/fd.h"
#include "containers/core/part.h"
#include "systemd/pidfd.h"

#include <sys/syscall.h>

/* The next instance of the service finds the pidfd by this name, so it must not depend on anything
 * that changes while the process runs. */
static char *make_process_fd_name(const BerthProcess *process) {
    const char *scope = process->container->scope;

    return process->kind == BERTH_PROCESS_FIRST
               ? g_strdup(scope)
               : g_strconcat(scope, "/", process->record->id, NULL);
}

void berth_process_update_name(BerthProcess *process) {
    g_free(process->fd_name);
    process->fd_name = make_process_fd_name(process);
    g_free(process->record->container);
    process->record->container = g_strdup(process->container->record.id);
}

BerthProcess *berth_process_new(BerthContainer *container, BerthProcessKind kind,
                                BerthProcessRecord *record) {
    BerthProcess *process = g_new0(BerthProcess, 1);

    process->container = container;
    process->kind = kind;
    process->record = record;
    process->pidfd = -1;
    process->waiters = g_ptr_array_new_with_free_func(g_free);
    process->slots = berth_parts_new_slots(container->containers);
    process->fd_name = make_process_fd_name(process);
    if (kind != BERTH_PROCESS_FIRST)
        g_hash_table_insert(container->processes, record->id, process);
    return process;
}

/* systemd keeps its duplicate of the pidfd, since the service may end while the process runs. */
void berth_process_free(gpointer data) {
    BerthProcess *process = data;

    if (process->start)
        process->start->free(process->start);
    berth_parts_process_freed(process);
    berth_process_unwatch(process);
    berth_fd_clear(&process->pidfd);
    berth_charge_free(process->kept);
    berth_charge_free(process->runs);
    g_ptr_array_unref(process->waiters);
    g_free(process->fd_name);
    if (process->kind != BERTH_PROCESS_FIRST)
        berth_process_record_free(process->record);
    g_free(process->slots);
    g_free(process);
}

BerthProcess *berth_container_find_process(BerthContainer *container, const char *id,
                                           GError **error) {
    BerthProcess *process =
        id[0] == '\0' ? container->first : g_hash_table_lookup(container->processes, id);

    if (!process)
        berth_error_set(error, BERTH_ERROR_NOT_FOUND, "container \"%s\" has no process \"%.100s\"",
                        container->record.id, id);
    return process;
}

/* The service's own checks are charged to nobody. A first process is already counted as a
 * container, and is charged only for the descriptors that systemd keeps. */
bool berth_process_check_charge(uint32_t uid, BerthProcessKind kind, bool terminal,
                                GError **error) {
    uint64_t descriptors = terminal ? 1 + BERTH_TERMINAL_DESCRIPTORS : 1;

    return kind == BERTH_PROCESS_CHECK ||
           ((kind == BERTH_PROCESS_FIRST ||
             berth_charge_check(uid, BERTH_RESOURCE_PROCESSES, 0, 1, error)) &&
            berth_charge_check(uid, BERTH_RESOURCE_DESCRIPTORS, 0, descriptors, error));
}

/* Containers are counted separately, so a first process is not charged again. */
void berth_process_charge(BerthProcess *process) {
    if (process->kind == BERTH_PROCESS_EXECUTED && !process->runs)
        process->runs =
            berth_charge_new_forced(process->container->record.owner, BERTH_RESOURCE_PROCESSES, 1);
}

static void charge_running(BerthProcess *process) {
    berth_process_charge(process);
    if (process->kind != BERTH_PROCESS_CHECK && !process->kept)
        process->kept = berth_charge_new_forced(process->container->record.owner,
                                                BERTH_RESOURCE_DESCRIPTORS, 1);
}

static int on_pidfd(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    BerthProcess *process = userdata;
    BerthExits *exits = process->container->containers->exits;
    pid_t pid = (pid_t)process->record->pid;
    int status = BERTH_STATUS_UNKNOWN;

    (void)events;
    switch (berth_pidfd_get_state(fd, &status)) {
    case BERTH_PIDFD_RUNNING:
        return 0;
    case BERTH_PIDFD_UNREAPED:
        /* The pidfd is permanently readable now. The hang-up, which is always reported, signals
         * that the process has been reaped. */
        return sd_event_source_set_io_events(source, 0);
    case BERTH_PIDFD_UNKNOWN:
        /* Before Linux 6.15 (systemd/exits.h). */
        if (!berth_exits_get(exits, pid, &status))
            status = BERTH_STATUS_UNKNOWN;
        break;
    case BERTH_PIDFD_EXITED:
    default:
        break;
    }
    berth_exits_unwatch(exits, pid);
    /* This may free the process. */
    process->exited(process, status);
    return 0;
}

bool berth_process_watch(BerthProcess *process, int pidfd, BerthProcessExited exited,
                         GError **error) {
    sd_event *event = process->container->containers->event;

    process->pidfd = pidfd;
    process->exited = exited;
    process->hold = berth_hold_new(BERTH_HOLD_PROCESS);
    charge_running(process);
    int r = sd_event_add_io(event, &process->watch, pidfd, EPOLLIN, on_pidfd, process);
    return r >= 0 || berth_error_set_errno(error, r, "watch a process of container %s",
                                           process->container->record.id);
}

bool berth_process_keep(BerthProcess *process, GError **error) {
    return process->kind == BERTH_PROCESS_CHECK ||
           berth_fd_store_put(process->fd_name, process->pidfd, error);
}

void berth_process_unwatch(BerthProcess *process) {
    if (process->watch)
        process->watch = sd_event_source_disable_unref(process->watch);
    g_clear_pointer(&process->hold, berth_hold_free);
}

void berth_process_forget(BerthProcess *process) {
    berth_process_unwatch(process);
    berth_fd_clear(&process->pidfd);
    g_clear_pointer(&process->kept, berth_charge_free);
    g_clear_pointer(&process->runs, berth_charge_free);
    berth_fd_store_remove(process->fd_name);
}

bool berth_process_has_ended(const BerthProcess *process) {
    /* The first process of a container that was never started is not running, but has not ended
     * either. */
    return !process->start && !process->record->running &&
           process->container->record.state != BERTH_CONTAINER_CREATED;
}

/* The pid may belong to another process by now. It is accepted only if the process started at the
 * same time and is in the container's cgroup. */
static int reopen_pidfd(const BerthContainer *container, pid_t pid, uint64_t pid_start) {
    berth_autofd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (pidfd < 0 || berth_pid_get_start(pid) != pid_start ||
        !berth_pid_is_in_unit(pid, berth_container_get_cgroup_name(container)))
        return -1;
    return berth_fd_steal(&pidfd);
}

int berth_kept_descriptors_take(const BerthKeptDescriptors *kept, const char *name) {
    int taken = -1;

    for (unsigned i = 0; i < kept->count; i++)
        if (kept->fds[i] >= 0 && g_str_equal(kept->names[i], name)) {
            /* The newest comes first; older descriptors of the same name are stale. */
            if (taken < 0)
                taken = berth_fd_steal(&kept->fds[i]);
            else
                berth_fd_clear(&kept->fds[i]);
        }
    return taken;
}

int berth_process_find_again(BerthProcess *process, const BerthKeptDescriptors *kept) {
    const BerthContainer *container = process->container;
    const BerthProcessRecord *record = process->record;
    berth_autofd int pidfd = berth_kept_descriptors_take(kept, process->fd_name);
    int status;

    /* After a reboot no process of ours runs, whatever process has the pid now. If systemd has a
     * pidfd for a process that is not recorded as running, the service died between updating the
     * store and the record, at a start or an exit. */
    if (!record->running || g_strcmp0(record->boot, container->containers->boot) != 0) {
        if (pidfd >= 0)
            berth_fd_store_remove(process->fd_name);
        return -1;
    }
    if (pidfd < 0)
        pidfd = reopen_pidfd(container, (pid_t)record->pid, record->pid_start);
    /* systemd is its parent now. If it still runs, the kernel is asked to report its exit; if it
     * has ended, only a pidfd can supply its status, and only on a new enough kernel. */
    if (pidfd >= 0 && berth_pidfd_get_state(pidfd, &status) == BERTH_PIDFD_RUNNING)
        berth_exits_watch(container->containers->exits, (pid_t)record->pid);
    return berth_fd_steal(&pidfd);
}
