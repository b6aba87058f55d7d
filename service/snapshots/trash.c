/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A tree in the trash is emptied by a berth-unpack that is confined to it, and its directory is
 * removed once that has replied. Nobody else owns the object: it frees itself at the end of its
 * operation, which keeps the service running in the meantime.
 */

#include "snapshots/trash.h"

#include "base/directory.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/operation.h"
#include "worker/calls.h"
#include "worker/worker.h"

#include <errno.h>
#include <stdio.h>

typedef struct {
    BerthOperation *operation;
    int directory;
    char *name;
    BerthWorker *worker;
} Trash;

/* A tree of at most this many files is removed in place, which takes less time than starting a
 * worker. */
enum { FEW_FILES = 64 };

static void trash_free(void *object) {
    Trash *trash = object;

    berth_worker_free(trash->worker);
    berth_fd_clear(&trash->directory);
    g_free(trash->name);
    g_free(trash);
}

static void trash_on_emptied(sd_bus_message *reply, const GError *error, void *userdata) {
    Trash *trash = userdata;

    (void)reply;
    if (error)
        berth_log_warning(NULL, NULL, "Cannot empty %s: %s", trash->name, error->message);
    else if (unlinkat(trash->directory, trash->name, AT_REMOVEDIR) < 0)
        berth_log_warning(NULL, NULL, "Cannot remove %s: %s", trash->name, g_strerror(errno));
    berth_operation_end(trash->operation, error);
}

void berth_trash_empty(sd_event *event, int directory, const char *name) {
    static const BerthOperationType type = {.free = trash_free};
    g_autoptr(GError) error = NULL;
    berth_autofd int top = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    BerthWorker *worker = top < 0 ? NULL : berth_worker_new(event, "unpack", top, &error);

    if (!worker) {
        /* Either it is a file, or no worker could be started: then it stays until the next start
         * sweeps the trash. */
        if (top >= 0 || unlinkat(directory, name, 0) < 0)
            berth_log_warning(NULL, NULL, "Cannot empty %s: %s", name,
                              error ? error->message : g_strerror(errno));
        return;
    }
    Trash *trash = g_new0(Trash, 1);
    /* The caller may close its descriptor before the worker has replied. */
    trash->directory = fcntl(directory, F_DUPFD_CLOEXEC, 0);
    trash->name = g_strdup(name);
    trash->worker = worker;
    trash->operation = berth_operation_new(event, &type, trash);
    berth_call_unpack_empty(worker, trash_on_emptied, trash);
}

/* A full disk may have no room for another name, although deleting would make room. Nothing refers
 * to the tree any more, so some of its files are removed first. */
static int trash_rename(int directory, const char *name, const char *trash) {
    int r = renameat(directory, name, directory, trash);

    if (r == 0 || (errno != ENOSPC && errno != EDQUOT))
        return r;
    (void)berth_fd_remove_small_tree(directory, name, FEW_FILES, NULL);
    return renameat(directory, name, directory, trash);
}

bool berth_trash_take(sd_event *event, int directory, const char *name, GError **error) {
    static unsigned counter;
    g_autofree char *trash =
        g_strdup_printf(BERTH_TRASH_PREFIX "%" G_GINT64_FORMAT "-%u", g_get_real_time(), counter++);

    /* From now on, nothing exists under the old name, even if the service dies before the files are
     * removed. */
    if (trash_rename(directory, name, trash) < 0)
        return errno == ENOENT || berth_error_set_errno(error, errno, "remove %s", name);
    if (!berth_fd_remove_small_tree(directory, trash, FEW_FILES, NULL))
        berth_trash_empty(event, directory, trash);
    return true;
}

void berth_trash_take_remains(sd_event *event, int directory, const char *name, const char *field) {
    g_autoptr(GError) error = NULL;

    if (!berth_trash_take(event, directory, name, &error))
        berth_log_warning(field, field ? name : NULL, "%s", error->message);
}

void berth_trash_sweep(sd_event *event, int directory) {
    berth_autolist DIR *list = berth_directory_list(directory);
    const char *name;

    while (list && (name = berth_directory_next(list)))
        if (g_str_has_prefix(name, BERTH_TRASH_PREFIX))
            berth_trash_empty(event, directory, name);
}
