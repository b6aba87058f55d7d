/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files of a container, out of it and into it: berth-copy does it, beside the service. */

#include "containers/copy.h"

#include "base/fd.h"
#include "containers/container-private.h"

#include <errno.h>
#include <string.h>

enum { MAX_PATH = 4096 };

typedef struct {
    BerthContainers *containers;
    char *id;
    BerthLaunch *launch;
    BerthContainerDone done;
    void *userdata;
} Copy;

static void free_copy(gpointer data) {
    Copy *copy = data;

    if (copy->launch)
        berth_launch_free(copy->launch);
    g_free(copy->id);
    g_free(copy);
}

static void on_born(BerthLaunch *launch, pid_t pid, int pidfd, void *userdata) {
    (void)launch;
    (void)pid;
    (void)userdata;
    close(pidfd);
}

static void on_terminal(int master, void *userdata) {
    (void)userdata;
    close(master);
}

static void on_done(const GError *error, void *userdata) {
    Copy *copy = userdata;

    copy->launch = NULL;
    copy->done(error, copy->userdata);
    g_ptr_array_remove_fast(copy->containers->copies, copy);
}

GPtrArray *berth_copies_new(void) {
    return g_ptr_array_new_with_free_func(free_copy);
}

bool berth_container_is_copied(const BerthContainer *container) {
    const GPtrArray *copies = container->containers->copies;

    for (guint i = 0; i < copies->len; i++)
        if (g_str_equal(((Copy *)copies->pdata[i])->id, container->record.id))
            return true;
    return false;
}

static bool check(BerthContainer *container, const BerthCopyRequest *request, GError **error) {
    if (!request->changes && (request->path[0] != '/' || strlen(request->path) >= MAX_PATH))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the path \"%.200s\" in the container is not absolute",
                               request->path);
    if (strchr(request->name, '/') || g_str_equal(request->name, ".."))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "\"%.200s\" is no file name",
                               request->name);
    return !container->first->launch ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "container \"%s\" is being started", container->record.id);
}

static BerthLaunch *launch(BerthContainer *container, const BerthCopyRequest *request, Copy *copy,
                           GError **error) {
    static const BerthLaunchCallbacks callbacks = {on_born, on_terminal, on_done};
    BerthContainers *containers = container->containers;
    const char *id = container->record.id;
    bool runs = berth_container_is_running(container);
    berth_autofd int config = -1, directory = -1;

    if (!berth_container_open_files(container, &config, &directory, error))
        return NULL;
    const BerthLaunchRequest launch_request = {
        .event = containers->event,
        .program = containers->copy_program,
        .name = "berth-copy",
        .mode = request->changes        ? "changes"
                : !request->into        ? "out"
                : request->keeps_owners ? "in-with-owners"
                                        : "in",
        .id = id,
        .arguments = {request->path, request->name},
        .input = request->into ? request->tar : -1,
        .output = request->into ? -1 : request->tar,
        .error = STDERR_FILENO,
        .config = config,
        .target = runs && !request->changes ? container->first->pidfd : directory,
        .snapshots = berth_snapshot_store_get_directory(containers->images->snapshots),
        .takes_its_time = true,
    };
    return berth_launch_new(&launch_request, &callbacks, copy, error);
}

void berth_container_copy(BerthContainer *container, const BerthCopyRequest *request,
                          BerthContainerDone done, void *userdata) {
    g_autoptr(GError) error = NULL;

    if (!check(container, request, &error)) {
        done(error, userdata);
        return;
    }
    Copy *copy = g_new0(Copy, 1);
    copy->containers = container->containers;
    copy->id = g_strdup(container->record.id);
    copy->done = done;
    copy->userdata = userdata;
    copy->launch = launch(container, request, copy, &error);
    if (copy->launch) {
        g_ptr_array_add(container->containers->copies, copy);
        return;
    }
    done(error, userdata);
    free_copy(copy);
}
