/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process that is watched to its end, with its terminal and who waits for it. */

#include "base/fd.h"
#include "containers/container-private.h"
#include "systemd/pidfd.h"

#include <sys/syscall.h>

typedef struct {
    BerthContainerExited exited;
    void *userdata;
} Waiter;

bool berth_process_is_first(const BerthProcess *process) {
    return process->record == &process->container->record.first;
}

static char *make_fd_name(const BerthProcess *process) {
    const char *scope = process->container->scope;

    return berth_process_is_first(process) ? g_strdup(scope)
                                           : g_strconcat(scope, "/", process->record->id, NULL);
}

void berth_process_take_name(BerthProcess *process) {
    const BerthContainer *container = process->container;

    g_free(process->fd_name);
    process->fd_name = make_fd_name(process);
    g_free(process->record->container);
    process->record->container = g_strdup(container->record.id);
}

BerthProcess *berth_process_new(BerthContainer *container, BerthProcessRecord *record) {
    BerthProcess *process = g_new0(BerthProcess, 1);

    process->container = container;
    process->record = record;
    process->pidfd = -1;
    process->waiters = g_ptr_array_new_with_free_func(g_free);
    process->attaching = berth_process_new_attaching();
    process->fd_name = make_fd_name(process);
    if (!berth_process_is_first(process))
        g_hash_table_insert(container->processes, record->id, process);
    return process;
}

void berth_process_free(gpointer data) {
    BerthProcess *process = data;

    if (process->launch)
        berth_launch_free(process->launch);
    if (process->watch)
        sd_event_source_disable_unref(process->watch);
    berth_fd_clear(&process->pidfd);
    berth_terminal_free(process->terminal);
    berth_charge_free(process->kept);
    berth_charge_free(process->kept_terminal);
    berth_charge_free(process->runs);
    g_ptr_array_unref(process->waiters);
    g_ptr_array_unref(process->attaching);
    g_free(process->fd_name);
    if (!berth_process_is_first(process))
        berth_process_record_free(process->record);
    g_free(process);
}

/* What systemd keeps of a terminal: its master, its screen and its holder's name. */
enum { TERMINAL_DESCRIPTORS = 3 };

bool berth_process_check_charge(uint32_t uid, bool terminal, bool exec, GError **error) {
    return (!exec || berth_charge_check(uid, BERTH_RESOURCE_PROCESSES, 0, 1, error)) &&
           berth_charge_check(uid, BERTH_RESOURCE_DESCRIPTORS, 0,
                              terminal ? 1 + TERMINAL_DESCRIPTORS : 1, error);
}

static void charge_running(BerthProcess *process) {
    uint32_t owner = process->container->record.owner;

    if (process->quiet)
        return;
    if (!process->kept)
        process->kept = berth_charge_new_forced(owner, BERTH_RESOURCE_DESCRIPTORS, 1);
    if (!berth_process_is_first(process) && !process->runs)
        process->runs = berth_charge_new_forced(owner, BERTH_RESOURCE_PROCESSES, 1);
}

static void release_running(BerthProcess *process) {
    g_clear_pointer(&process->kept, berth_charge_free);
    g_clear_pointer(&process->runs, berth_charge_free);
}

static void charge_terminal(BerthProcess *process) {
    if (!process->kept_terminal)
        process->kept_terminal = berth_charge_new_forced(
            process->container->record.owner, BERTH_RESOURCE_DESCRIPTORS, TERMINAL_DESCRIPTORS);
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

static pid_t get_pid(const BerthProcess *process) {
    return (pid_t)process->record->pid;
}

static int on_pidfd(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    BerthProcess *process = userdata;
    BerthExits *exits = process->container->containers->exits;
    int status = BERTH_STATUS_UNKNOWN;

    (void)events;
    switch (berth_pidfd_look(fd, &status)) {
    case BERTH_PIDFD_RUNNING:
        return 0;
    case BERTH_PIDFD_UNREAPED:
        /* Readable all the time now; the hang-up, which always counts, says that it was reaped. */
        return sd_event_source_set_io_events(source, 0);
    case BERTH_PIDFD_UNKNOWN:
        if (!berth_exits_get(exits, get_pid(process), &status))
            status = BERTH_STATUS_UNKNOWN;
        break;
    case BERTH_PIDFD_EXITED:
    default:
        break;
    }
    berth_exits_unwatch(exits, get_pid(process));
    if (berth_process_is_first(process))
        berth_container_set_exited(process->container, status);
    else
        berth_process_set_exited(process, status);
    return 0;
}

bool berth_process_watch(BerthProcess *process, int pidfd, GError **error) {
    sd_event *event = process->container->containers->event;

    process->pidfd = pidfd;
    charge_running(process);
    int r = sd_event_add_io(event, &process->watch, pidfd, EPOLLIN, on_pidfd, process);
    return r >= 0 || berth_error_set_errno(error, r, "watch a process of container %s",
                                           process->container->record.id);
}

void berth_process_forget(BerthProcess *process) {
    if (process->watch)
        process->watch = sd_event_source_disable_unref(process->watch);
    berth_fd_clear(&process->pidfd);
    release_running(process);
    berth_fd_store_remove(process->fd_name);
    berth_terminal_set_ended(process->terminal);
}

void berth_process_set_terminal(BerthProcess *process, int master) {
    berth_process_drop_terminal(process);
    charge_terminal(process);
    const BerthTerminalFiles files = {master, -1, -1};
    process->terminal = berth_terminal_new(process->container->containers, process->fd_name,
                                           process->container->record.owner, &files);
    berth_process_answer_attaching(process, NULL);
}

void berth_process_drop_terminal(BerthProcess *process) {
    g_clear_pointer(&process->kept_terminal, berth_charge_free);
    berth_terminal_drop(g_steal_pointer(&process->terminal));
}

void berth_process_answer_waiters(BerthProcess *process, int status, uint64_t exited_usec) {
    g_autoptr(GPtrArray) waiters = g_steal_pointer(&process->waiters);

    process->waiters = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < waiters->len; i++) {
        Waiter *waiter = waiters->pdata[i];
        waiter->exited(status, exited_usec, NULL, waiter->userdata);
    }
}

void berth_process_fail_waiters(BerthProcess *process, const GError *error) {
    g_autoptr(GPtrArray) waiters = g_steal_pointer(&process->waiters);

    process->waiters = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < waiters->len; i++) {
        Waiter *waiter = waiters->pdata[i];
        waiter->exited(BERTH_STATUS_UNKNOWN, 0, error, waiter->userdata);
    }
}

static bool has_ended(const BerthProcess *process) {
    /* A container that never started has a first process that neither runs nor has ended. */
    return !process->launch && !process->record->running &&
           process->container->record.state != BERTH_CONTAINER_CREATED;
}

void berth_container_wait(BerthContainer *container, const char *id, BerthContainerExited exited,
                          void *userdata) {
    g_autoptr(GError) error = NULL;
    BerthProcess *process = berth_container_find_process(container, id, &error);

    if (!process) {
        exited(BERTH_STATUS_UNKNOWN, 0, error, userdata);
        return;
    }
    if (has_ended(process)) {
        exited(process->record->status, process->record->exited_usec, NULL, userdata);
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

static int reopen(const BerthContainer *container, pid_t pid, uint64_t pid_start) {
    berth_autofd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (pidfd < 0 || berth_pid_get_start(pid) != pid_start ||
        !berth_pid_is_in_unit(pid, container->scope))
        return -1;
    return berth_fd_steal(&pidfd);
}

static int take_kept(const BerthKeptDescriptors *kept, const char *name) {
    int taken = -1;

    for (unsigned i = 0; i < kept->count; i++)
        if (kept->fds[i] >= 0 && g_str_equal(kept->names[i], name)) {
            /* They come newest first: an older one of that name is stale. */
            if (taken < 0)
                taken = berth_fd_steal(&kept->fds[i]);
            else
                berth_fd_clear(&kept->fds[i]);
        }
    return taken;
}

static void find_terminal_again(BerthProcess *process, const BerthKeptDescriptors *kept) {
    g_autofree char *name = berth_terminal_make_name(process->fd_name);
    g_autofree char *screen_name = berth_terminal_make_screen_name(process->fd_name);
    g_autofree char *holder_name = berth_terminal_make_holder_name(process->fd_name);
    berth_autofd int screen = take_kept(kept, screen_name);
    berth_autofd int holder = take_kept(kept, holder_name);
    int master = take_kept(kept, name);

    if (master < 0)
        return;
    charge_terminal(process);
    const BerthTerminalFiles files = {master, berth_fd_steal(&screen), berth_fd_steal(&holder)};
    process->terminal = berth_terminal_new(process->container->containers, process->fd_name,
                                           process->container->record.owner, &files);
}

int berth_process_find_again(BerthProcess *process, const BerthKeptDescriptors *kept) {
    const BerthContainer *container = process->container;
    const BerthProcessRecord *record = process->record;
    berth_autofd int pidfd = take_kept(kept, process->fd_name);
    int status;

    find_terminal_again(process, kept);
    /* After a reboot nothing runs, whatever has its pid now. */
    if (!record->running || g_strcmp0(record->boot, container->containers->boot) != 0) {
        berth_terminal_set_ended(process->terminal);
        if (pidfd >= 0)
            berth_fd_store_remove(process->fd_name);
        return -1;
    }
    if (pidfd < 0)
        pidfd = reopen(container, (pid_t)record->pid, record->pid_start);
    /* It is systemd's child now; how it ended nobody tells any more, if it has. */
    if (pidfd >= 0 && berth_pidfd_look(pidfd, &status) == BERTH_PIDFD_RUNNING)
        berth_exits_watch(container->containers->exits, get_pid(process));
    return berth_fd_steal(&pidfd);
}
