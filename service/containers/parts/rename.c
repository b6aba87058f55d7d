/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Changes the id of a stopped container. The record is written first and names the old directory,
 * so that after a crash the next start of the service can finish the rename, before it removes
 * directories without a record. The record is synced before the directory is renamed: after a power
 * failure that keeps only the latter, the directory would be one without a record. There is no
 * state here.
 */

#include "containers/parts/rename.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/names.h"
#include "containers/core/cgroup.h"
#include "containers/core/process.h"
#include "containers/core/state.h"
#include "systemd/pidfd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RENAMED_FROM "RenamedFrom"
#define MAX_CONFIG_BYTES (8u * 1024 * 1024)

static char *get_old_name(const BerthContainer *container) {
    g_autoptr(GVariant) name =
        berth_container_record_get_extra(&container->record, RENAMED_FROM, G_VARIANT_TYPE_STRING);

    return name ? g_variant_dup_string(name, NULL) : NULL;
}

/* The configuration contains paths of files in the container's directory. */
static bool fix_config(BerthContainer *container, const char *old, GError **error) {
    BerthContainers *containers = container->containers;
    g_autofree char *before =
        g_strconcat("\"", containers->state_path, "/containers/", old, "/", NULL);
    g_autofree char *after =
        g_strconcat("\"", containers->state_path, "/containers/", container->record.id, "/", NULL);
    g_autofree char *path = g_strconcat(container->record.id, "/config.json", NULL);
    berth_autofd int file = openat(containers->directory, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    size_t size;

    if (file < 0)
        return berth_error_set_errno(error, errno, "open %s", path);
    g_autofree char *text = berth_fd_read_whole(file, MAX_CONFIG_BYTES, &size, error);
    if (!text || !strstr(text, before))
        return text != NULL;
    g_auto(GStrv) parts = g_strsplit(text, before, -1);
    g_autofree char *changed = g_strjoinv(after, parts);
    return berth_fd_replace(containers->directory, path, changed, strlen(changed), 0600) ||
           berth_error_set_errno(error, errno, "write %s", path);
}

static bool move_directory(BerthContainer *container, const char *old, GError **error) {
    int directory = container->containers->directory;
    const char *id = container->record.id;

    /* If the new name exists, the crash came after the directory was renamed, and only the
     * configuration is left to fix. */
    if (faccessat(directory, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return fix_config(container, old, error);
    /* The directory is lost, and what has the old name belongs to a newer container. */
    if (g_hash_table_contains(container->containers->by_id, old))
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND, "container \"%s\" has no files", id);
    if (renameat(directory, old, directory, id) < 0)
        return berth_error_set_errno(error, errno, "rename the directory of container %s", old);
    return fix_config(container, old, error);
}

static bool rename_swept(BerthContainers *containers, GError **swept_error) {
    GHashTableIter iterator;
    gpointer value;

    (void)swept_error;
    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        BerthContainer *container = value;
        g_autofree char *old = get_old_name(container);
        g_autoptr(GError) error = NULL;
        if (old && !berth_container_is_running(container) &&
            !move_directory(container, old, &error))
            berth_log_warning("BERTH_CONTAINER", container->record.id, "%s", error->message);
    }
    return true;
}

static bool check_rename(BerthContainer *container, const char *id, GError **error) {
    BerthContainers *containers = container->containers;

    if (!berth_name_check_container(id, error))
        return false;
    if (g_hash_table_contains(containers->by_id, id) ||
        g_hash_table_contains(containers->reserved, id))
        return berth_error_set(error, BERTH_ERROR_ALREADY_EXISTS,
                               "there is a container \"%s\" already", id);
    if (berth_container_is_running(container) || berth_container_is_starting(container))
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" is running; its scope cannot be renamed, stop it "
                               "first",
                               container->record.id);
    return berth_parts_permit(container, BERTH_ACTION_RENAME, error);
}

/* A process that was executed in the container may end a moment later than the first one. systemd
 * then keeps its pidfd under the new name, under which it is removed. */
static void update_process_name(BerthProcess *process) {
    g_autoptr(GError) error = NULL;
    bool is_kept = process->watch != NULL;

    if (is_kept)
        berth_fd_store_remove(process->fd_name);
    berth_process_update_name(process);
    if (is_kept && !berth_process_keep(process, &error))
        berth_log_warning("BERTH_CONTAINER", process->record->container, "%s", error->message);
}

/* Updates everything that is named after the id, except for the record and the directory. */
static void update_names(BerthContainer *container) {
    GHashTableIter iterator;
    gpointer value;

    berth_container_update_cgroup_names(container);
    berth_process_update_name(container->first);
    g_hash_table_iter_init(&iterator, container->processes);
    while (g_hash_table_iter_next(&iterator, NULL, &value))
        update_process_name(value);
}

/* Writes the record under another id. The directory follows. */
static bool rename_record(BerthContainer *container, const char *id, GError **error) {
    BerthContainers *containers = container->containers;
    g_autofree char *old = g_strdup(container->record.id);
    uint64_t deleted, created;

    /* Descriptors in systemd's store are named after the scope, whose name changes, and which the
     * processes of another container may have next. */
    berth_parts_processes_dropped(container);
    berth_container_record_set_extra(&container->record, RENAMED_FROM, g_variant_new_string(old));
    berth_container_record_set_extra(&container->record, BERTH_RENAMED_TIME,
                                     g_variant_new_uint64((uint64_t)g_get_real_time()));
    if (!berth_container_store_rename(containers->database, &container->record, id, &deleted,
                                      &created, error))
        return false;
    berth_container_leave_unseen_scope(container);
    berth_parts_renaming(container);
    /* The key of the table is the string in the record itself. */
    g_hash_table_steal(containers->by_id, old);
    g_free(container->record.id);
    container->record.id = g_strdup(id);
    update_names(container);
    g_hash_table_insert(containers->by_id, container->record.id, container);
    berth_container_pass_event(container, deleted);
    berth_container_pass_event(container, created);
    return true;
}

/* If the record cannot be written either, the next start of the service finishes the rename. */
static void undo_rename(BerthContainer *container, const char *old) {
    BerthContainers *containers = container->containers;
    g_autofree char *id = g_strdup(container->record.id);
    g_autoptr(GError) error = NULL;

    if (!rename_record(container, old, &error)) {
        berth_log_warning("BERTH_CONTAINER", id, "%s", error->message);
        return;
    }
    if (renameat(containers->directory, id, containers->directory, old) < 0 && errno != ENOENT)
        berth_log_warning("BERTH_CONTAINER", old, "Cannot rename the directory of container %s: %s",
                          id, g_strerror(errno));
}

bool berth_container_rename(BerthContainer *container, const char *id, GError **error) {
    if (!check_rename(container, id, error))
        return false;
    g_autofree char *old = g_strdup(container->record.id);
    if (!rename_record(container, id, error))
        return false;
    if (berth_database_sync(container->containers->database, error) &&
        move_directory(container, old, error))
        return true;
    undo_rename(container, old);
    return false;
}

const BerthPart berth_rename_part = {
    .name = "rename",
    .swept = rename_swept,
};
