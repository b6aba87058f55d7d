/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "snapshots/trash.h"

#include "base/fd.h"
#include "base/log.h"
#include "worker/calls.h"
#include "worker/worker.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>

typedef struct {
    int directory;
    char *name;
    BerthWorker *worker;
} Trash;

/* So many are removed at once, in less time than starting a worker takes. */
enum { FEW_FILES = 64 };

static unsigned under_way;

unsigned berth_trash_count(void) {
    return under_way;
}

static void finish(sd_bus_message *reply, const GError *error, void *userdata) {
    Trash *trash = userdata;

    (void)reply;
    if (error)
        berth_log_warning(NULL, NULL, "Cannot empty %s: %s", trash->name, error->message);
    else if (unlinkat(trash->directory, trash->name, AT_REMOVEDIR) < 0)
        berth_log_warning(NULL, NULL, "Cannot remove %s: %s", trash->name, g_strerror(errno));
    under_way--;
    berth_worker_free(trash->worker);
    berth_fd_clear(&trash->directory);
    g_free(trash->name);
    g_free(trash);
}

void berth_trash_empty(sd_event *event, int directory, const char *name) {
    g_autoptr(GError) error = NULL;
    berth_autofd int top = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    BerthWorker *worker = top < 0 ? NULL : berth_worker_new(event, "unpack", top, &error);

    if (!worker) {
        /* A file, or no worker to be had: it stays trash until the next start. */
        if (top >= 0 || unlinkat(directory, name, 0) < 0)
            berth_log_warning(NULL, NULL, "Cannot empty %s: %s", name,
                              error ? error->message : g_strerror(errno));
        return;
    }
    Trash *trash = g_new0(Trash, 1);
    trash->directory = fcntl(directory, F_DUPFD_CLOEXEC, 0);
    trash->name = g_strdup(name);
    trash->worker = worker;
    under_way++;
    berth_call_unpack_empty(worker, finish, trash);
}

bool berth_trash_take(sd_event *event, int directory, const char *name, GError **error) {
    static unsigned counter;
    g_autofree char *trash =
        g_strdup_printf(BERTH_TRASH_PREFIX "%" G_GINT64_FORMAT "-%u", g_get_real_time(), counter++);

    if (renameat(directory, name, directory, trash) < 0)
        return errno == ENOENT || berth_error_set_errno(error, errno, "remove %s", name);
    if (!berth_fd_remove_small_tree(directory, trash, FEW_FILES, NULL))
        berth_trash_empty(event, directory, trash);
    return true;
}

void berth_trash_sweep(sd_event *event, int directory) {
    int duplicate = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = duplicate < 0 ? NULL : fdopendir(duplicate);

    for (struct dirent *entry; entries && (entry = readdir(entries));)
        if (g_str_has_prefix(entry->d_name, BERTH_TRASH_PREFIX))
            berth_trash_empty(event, directory, entry->d_name);
    if (entries)
        closedir(entries);
}
