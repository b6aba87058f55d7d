/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The processes of a running container, according to its cgroup and its pidfds, and its resource
 * usage. There is no state here.
 */

#include "containers/processes.h"

#include "base/fd.h"
#include "containers/core/process.h"
#include "systemd/pidfd.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static void free_info(gpointer data) {
    BerthProcessInfo *info = data;

    g_free(info->process);
    g_free(info->command);
    berth_process_status_clear(&info->status);
    g_free(info);
}

/* The id of a process started by Exec; NULL for any other, also for those of health checks, which
 * are internal. */
static const char *find_process_id(const BerthContainer *container, pid_t pid) {
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, container->processes);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthProcess *process = value;
        if (process->kind != BERTH_PROCESS_CHECK && process->record->running &&
            (pid_t)process->record->pid == pid)
            return process->record->id;
    }
    return NULL;
}

/* A process that ends between the listing and the reading of its files is left out. */
GPtrArray *berth_container_list_processes(BerthContainer *container, GError **error) {
    GPtrArray *list;

    if (!berth_container_check_running(container, error))
        return NULL;
    g_autoptr(GArray) pids = berth_cgroup_list_processes(
        (pid_t)container->record.first.pid, berth_container_get_cgroup_name(container));
    list = g_ptr_array_new_with_free_func(free_info);
    for (guint i = 0; i < pids->len; i++) {
        pid_t pid = g_array_index(pids, pid_t, i);
        g_autofree char *directory = g_strdup_printf("/proc/%d", (int)pid);
        const char *id = find_process_id(container, pid);
        struct stat status;
        /* The owner of /proc/PID is the effective user, or root if the process is not dumpable
         * (proc(5)). */
        if (stat(directory, &status) < 0)
            continue;
        BerthProcessInfo *info = g_new0(BerthProcessInfo, 1);
        info->pid = (uint32_t)pid;
        info->process = g_strdup(id ? id : "");
        info->uid = status.st_uid;
        info->command = berth_pid_read_command(pid);
        g_ptr_array_add(list, info);
    }
    return list;
}

bool berth_process_info_read_status(BerthProcessInfo *info) {
    berth_process_status_clear(&info->status);
    return berth_process_status_read((pid_t)info->pid, &info->status);
}

char *berth_container_get_cgroup(const BerthContainer *container) {
    return berth_container_is_running(container)
               ? berth_cgroup_get_path((pid_t)container->record.first.pid,
                                       berth_container_get_cgroup_name(container))
               : NULL;
}

uint64_t berth_container_get_pidfd_id(const BerthContainer *container) {
    return berth_container_is_running(container) && container->first->pidfd >= 0
               ? berth_pidfd_get_id(container->first->pidfd)
               : 0;
}

/* A duplicate of the service's pidfd would share its file status flags. A new pidfd, opened by pid,
 * refers to the same process if the process is still running afterwards, since its pid cannot have
 * been reused. The service's pidfd is only polled for that: waiting would reap a child and take its
 * status from the watch. */
int berth_container_open_process(BerthContainer *container, const char *process, GError **error) {
    if (!berth_container_check_running(container, error))
        return -1;
    BerthProcess *found = berth_container_find_process(container, process, error);
    if (!found)
        return -1;
    berth_autofd int pidfd =
        found->pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_open, (pid_t)found->record->pid, 0);
    if (found->pidfd < 0 || !berth_pidfd_is_running(found->pidfd)) {
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        "process \"%.100s\" of container \"%s\" has ended", process,
                        container->record.id);
        return -1;
    }
    if (pidfd < 0)
        berth_error_set_errno(error, errno, "open process %u of container %s", found->record->pid,
                              container->record.id);
    return berth_fd_steal(&pidfd);
}

/* The first process must be running: the cgroup and the network are found through it. */
bool berth_container_read_stats(BerthContainer *container, BerthCgroupStats *stats,
                                GError **error) {
    if (!berth_container_check_running(container, error))
        return false;
    berth_cgroup_read_stats((pid_t)container->record.first.pid,
                            berth_container_get_cgroup_name(container), stats);
    return true;
}
