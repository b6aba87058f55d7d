/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All containers: the table, and finding them again after the service was away. */

#include "base/fd.h"
#include "base/log.h"
#include "config.h"
#include "containers/container-private.h"
#include "containers/volumes.h"
#include "snapshots/trash.h"
#include "systemd/pidfd.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <systemd/sd-id128.h>

BerthContainer *berth_containers_find_by_scope(BerthContainers *containers, const char *unit) {
    const size_t around = strlen("berth-") + strlen(".scope");

    if (!g_str_has_prefix(unit, "berth-") || !g_str_has_suffix(unit, ".scope") ||
        strlen(unit) <= around)
        return NULL;
    g_autofree char *id = g_strndup(unit + strlen("berth-"), strlen(unit) - around);
    return g_hash_table_lookup(containers->by_id, id);
}

static void on_stop_requested(const char *unit, void *userdata) {
    BerthContainer *container = berth_containers_find_by_scope(userdata, unit);

    if (container)
        berth_container_stop(container, UINT64_MAX);
}

static bool open_directory(int state, const char *name, int *fd, GError **error) {
    if (mkdirat(state, name, 0700) < 0 && errno != EEXIST)
        return berth_error_set_errno(error, errno, "make directory %s", name);
    *fd = openat(state, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *fd >= 0 || berth_error_set_errno(error, errno, "open directory %s", name);
}

static char *read_path(int directory) {
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", directory);
    char *path = g_file_read_link(link, NULL);

    return path ? path : g_strdup(BERTH_STATEDIR);
}

BerthContainers *berth_containers_new(sd_bus *bus, int directory, BerthImages *images,
                                      GError **error) {
    BerthContainers *containers = g_new0(BerthContainers, 1);
    sd_id128_t boot;

    containers->event = images->event;
    containers->bus = bus;
    containers->images = images;
    containers->database = images->database;
    containers->by_id = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, berth_container_free);
    containers->taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    containers->directory = containers->volumes = containers->networks = containers->program = -1;
    containers->copy_program = -1;
    containers->helpers = berth_helpers_new();
    containers->terminals = g_ptr_array_new();
    containers->screens = berth_screens_new(containers->event);
    containers->disk = berth_disk_new(containers);
    containers->state_path = read_path(directory);
    if (!open_directory(directory, "containers", &containers->directory, error) ||
        !open_directory(directory, "volumes", &containers->volumes, error) ||
        !open_directory(directory, "networks", &containers->networks, error))
        ;
    else if ((containers->program = berth_launch_open_program("berth-launch", error)) < 0 ||
             (containers->copy_program = berth_launch_open_program("berth-copy", error)) < 0)
        ;
    else if (!berth_machines_watch(containers, error))
        ;
    else if (sd_id128_get_boot(&boot) < 0)
        berth_error_set(error, BERTH_ERROR_INTERNAL, "read the boot ID");
    else if ((containers->scopes = berth_scopes_new(bus, on_stop_requested, containers, error))) {
        sd_id128_to_string(boot, containers->boot);
        return containers;
    }
    berth_containers_free(containers);
    return NULL;
}

void berth_containers_free(BerthContainers *containers) {
    if (!containers)
        return;
    g_hash_table_unref(containers->by_id);
    g_hash_table_unref(containers->taken);
    berth_scopes_free(containers->scopes);
    sd_bus_slot_unref(containers->machined);
    berth_fd_clear(&containers->directory);
    berth_fd_clear(&containers->program);
    berth_fd_clear(&containers->copy_program);
    g_ptr_array_unref(containers->helpers);
    berth_disk_free(containers->disk);
    berth_screens_free(containers->screens);
    g_ptr_array_unref(containers->terminals);
    berth_exits_free(containers->exits);
    berth_fd_clear(&containers->volumes);
    berth_fd_clear(&containers->networks);
    g_free(containers->state_path);
    g_free(containers);
}

void berth_containers_observe(BerthContainers *containers, BerthEventObserver observer,
                              void *userdata) {
    containers->observer = observer;
    containers->userdata = userdata;
}

BerthContainer *berth_containers_find(BerthContainers *containers, const char *id, GError **error) {
    BerthContainer *container = g_hash_table_lookup(containers->by_id, id);

    if (!container)
        berth_error_set(error, BERTH_ERROR_NOT_FOUND, "there is no container \"%.100s\"", id);
    return container;
}

static gint compare_age(gconstpointer a, gconstpointer b) {
    const BerthContainer *first = *(BerthContainer *const *)a,
                         *second = *(BerthContainer *const *)b;

    return first->record.created_usec < second->record.created_usec ? -1 : 1;
}

GPtrArray *berth_containers_list(BerthContainers *containers) {
    GPtrArray *list = g_ptr_array_new();
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value))
        g_ptr_array_add(list, value);
    g_ptr_array_sort(list, compare_age);
    return list;
}

unsigned berth_containers_count_active(BerthContainers *containers) {
    unsigned count = g_hash_table_size(containers->taken) + containers->helpers->len +
                     berth_disk_is_busy(containers->disk);
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        BerthContainer *container = value;
        count += container->first->launch || container->restart_timer ||
                 berth_container_is_running(container);
    }
    return count;
}

/* Directories without a row: half-made, or half-removed. */
static bool remove_orphans(BerthContainers *containers, GError **error) {
    int duplicate = openat(containers->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = duplicate < 0 ? NULL : fdopendir(duplicate);
    bool good = true;

    if (!entries)
        return berth_error_set_errno(error, errno, "list containers");
    for (struct dirent *entry; good && (entry = readdir(entries));) {
        if (g_str_equal(entry->d_name, ".") || g_str_equal(entry->d_name, "..") ||
            g_str_has_prefix(entry->d_name, BERTH_TRASH_PREFIX) ||
            g_hash_table_contains(containers->by_id, entry->d_name))
            continue;
        berth_log(LOG_NOTICE, BERTH_MESSAGE_STATE_REPAIRED, "BERTH_CONTAINER", entry->d_name,
                  "Removing what is left of container %s", entry->d_name);
        good = berth_trash_take(containers->event, containers->directory, entry->d_name, error);
    }
    closedir(entries);
    return good;
}

/* Of a start that was broken off: its process is gone, and systemd may not know. */
static void on_scope_seen(const char *unit, void *userdata) {
    BerthContainers *containers = userdata;
    BerthContainer *container = berth_containers_find_by_scope(containers, unit);

    if (container && !container->first->launch &&
        (container->record.state == BERTH_CONTAINER_CREATED ||
         container->record.state == BERTH_CONTAINER_STOPPED))
        berth_scopes_stop(containers->scopes, unit);
}

static bool recover_one(BerthContainer *container, const BerthKeptDescriptors *kept,
                        GError **error) {
    BerthContainers *containers = container->containers;
    bool same_boot = g_strcmp0(container->record.first.boot, containers->boot) == 0;
    int pidfd = berth_process_find_again(container->first, kept);

    if (!berth_container_is_running(container)) {
        berth_provisional_watch(container);
        if (container->record.auto_remove && container->record.state == BERTH_CONTAINER_STOPPED)
            return berth_container_delete(container, error);
        if (same_boot)
            berth_container_restart_if_wanted(container);
        return true;
    }
    if (pidfd < 0) {
        if (!same_boot)
            container->record.wanted = false;
        berth_container_set_exited(container, BERTH_STATUS_UNKNOWN);
        return true;
    }
    /* One that has ended meanwhile is readable: the loop finds out how. */
    if (!berth_process_watch(container->first, pidfd, error))
        return false;
    berth_container_find_ports(container, kept);
    berth_container_watch_oom(container);
    berth_container_start_health(container);
    berth_container_register_machine(container);
    return true;
}

bool berth_containers_recover(BerthContainers *containers, char **names, int *fds, unsigned count,
                              GError **error) {
    g_autoptr(GPtrArray) records = berth_container_store_list(containers->database, error);
    const BerthKeptDescriptors kept = {names, fds, count};
    g_autoptr(GPtrArray) list = NULL;

    /* Before they are looked for: what ends from here on is told of. */
    if (records && records->len > 0)
        containers->exits = berth_exits_new();
    for (guint i = 0; records && i < records->len; i++)
        berth_container_new(containers, records->pdata[i]);
    list = berth_containers_list(containers);
    bool good = records != NULL && berth_processes_recover(containers, &kept, error);
    for (guint i = 0; good && i < list->len; i++)
        good = recover_one(list->pdata[i], &kept, error);
    /* What belongs to nothing here is not kept any longer. */
    for (unsigned k = 0; k < count; k++)
        if (fds[k] >= 0) {
            berth_fd_store_remove(names[k]);
            berth_fd_clear(&fds[k]);
        }
    berth_scopes_list(containers->scopes, "berth-*.scope", on_scope_seen, containers);
    berth_trash_sweep(containers->event, containers->directory);
    berth_containers_sweep_log_fields(containers);
    berth_networks_recover(containers);
    berth_renames_recover(containers);
    return good && remove_orphans(containers, error) && berth_volumes_recover(containers, error);
}
