/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A container: its record, its first process, and the processes executed in it. The table of the
 * service's containers (table.c) owns it; its states are those of its record (state.c).
 */

#include "base/document.h"
#include "base/fd.h"
#include "base/limits.h"
#include "containers/core/object.h"
#include "containers/core/part.h"
#include "containers/core/pod-index.h"
#include "containers/core/process.h"
#include "containers/core/secrets.h"
#include "containers/core/setup.h"
#include "systemd/delegated.h"

#include <errno.h>
#include <string.h>

BerthContainer *berth_container_new(BerthContainers *containers, BerthContainerRecord *record) {
    BerthContainer *container = g_new0(BerthContainer, 1);

    container->containers = containers;
    container->number = ++containers->last_number;
    container->record = *record;
    /* The contents of the record have been moved; what is left to the caller is empty, and safe to
     * free. */
    memset(record, 0, sizeof *record);
    berth_container_update_cgroup_names(container);
    container->secrets = -1;
    container->slots = berth_parts_new_slots(containers);
    container->processes = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, berth_process_free);
    container->first = berth_process_new(container, BERTH_PROCESS_FIRST, &container->record.first);
    /* The key is the id in the record, which must not change while the container is in the table
     * (rename.c). */
    g_hash_table_insert(containers->by_id, container->record.id, container);
    g_hash_table_insert(containers->by_number, &container->number, container);
    berth_pod_index_add(container);
    return container;
}

void berth_container_free(gpointer data) {
    BerthContainer *container = data;

    /* Before the rest is freed: parts may still use the processes and the record. */
    berth_parts_freed(container);
    berth_pod_index_remove(container);
    g_hash_table_remove(container->containers->by_number, &container->number);
    g_hash_table_unref(container->processes);
    berth_process_free(container->first);
    berth_container_record_clear(&container->record);
    g_free(container->slots);
    berth_secrets_close(container);
    g_free(container->scope);
    g_free(container->cgroup);
    g_free(container);
}

const BerthContainerRecord *berth_container_get_record(const BerthContainer *container) {
    return &container->record;
}

/* A container in its caller's cgroup has no scope; its unit is the one that owns that cgroup. */
const char *berth_container_get_scope(const BerthContainer *container) {
    return container->cgroup ? "" : container->scope;
}

char *berth_container_get_unit(const BerthContainer *container) {
    return container->cgroup ? berth_delegated_get_unit(container->cgroup)
                             : g_strdup(container->scope);
}

bool berth_container_open_files(const BerthContainer *container, int *config, int *directory,
                                GError **error) {
    const char *id = container->record.id;

    *directory = openat(container->containers->directory, id,
                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*directory < 0)
        return berth_error_set_errno(error, errno, "open the files of container %s", id);
    return (*config = berth_container_setup_open(*directory, id, error)) >= 0;
}

char *berth_container_read_config(const BerthContainer *container, size_t *size, GError **error) {
    g_autofree char *path = g_build_filename(container->record.id, "config.json", NULL);
    berth_autofd int file =
        openat(container->containers->directory, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (file < 0) {
        berth_error_set_errno(error, errno, "open the configuration of container %s",
                              container->record.id);
        return NULL;
    }
    return berth_fd_read_whole(file, BERTH_MAX_DOCUMENT_BYTES, size, error);
}

int berth_container_compare_age(gconstpointer a, gconstpointer b) {
    const BerthContainerRecord *first = &(*(BerthContainer *const *)a)->record;
    const BerthContainerRecord *second = &(*(BerthContainer *const *)b)->record;

    return (first->created_usec > second->created_usec) -
           (first->created_usec < second->created_usec);
}

bool berth_container_is_running(const BerthContainer *container) {
    return container->record.state == BERTH_CONTAINER_RUNNING ||
           container->record.state == BERTH_CONTAINER_PAUSED;
}

bool berth_container_is_starting(const BerthContainer *container) {
    return container->first->start != NULL;
}

/* Processes that have ended do not count, although their records are still here. */
bool berth_container_has_executed(const BerthContainer *container) {
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, container->processes);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthProcess *process = value;
        if (process->start || process->watch)
            return true;
    }
    return false;
}

bool berth_container_check_running(const BerthContainer *container, GError **error) {
    return berth_container_is_running(container) ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "container \"%s\" is not running, it is %s", container->record.id,
                           berth_container_state_get_name(container->record.state));
}

bool berth_container_check_not_starting(const BerthContainer *container, GError **error) {
    return !berth_container_is_starting(container) ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "container \"%s\" is being started", container->record.id);
}
