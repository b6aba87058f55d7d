/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files of a container, out of it and into it: berth-copy does it, beside the service. */

#include "containers/copy.h"

#include "containers/container-private.h"

#include <string.h>
#include <unistd.h>

enum { MAX_PATH = 4096 };

static bool check(BerthContainer *container, const BerthCopyRequest *request, GError **error) {
    if (!request->changes && (request->path[0] != '/' || strlen(request->path) >= MAX_PATH))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the path \"%.200s\" in the container is not absolute",
                               request->path);
    if (strchr(request->name, '/') || g_str_equal(request->name, ".."))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "\"%.200s\" is no file name",
                               request->name);
    if (request->kind[0] && !g_str_equal(request->kind, "file") &&
        !g_str_equal(request->kind, "directory"))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "unknown kind \"%.100s\"; use file or directory", request->kind);
    return !container->first->launch ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "container \"%s\" is being started", container->record.id);
}

void berth_container_copy(BerthContainer *container, const BerthCopyRequest *request,
                          BerthContainerDone done, void *userdata) {
    bool runs = berth_container_is_running(container);
    g_autofree char *out =
        request->kind[0] ? g_strconcat("out-", request->kind, NULL) : g_strdup("out");
    const BerthLaunchRequest launch = {
        .program = container->containers->copy_program,
        .name = "berth-copy",
        .mode = request->changes        ? "changes"
                : !request->into        ? out
                : request->keeps_owners ? "in-with-owners"
                                        : "in",
        .arguments = {request->path, request->name},
        .input = request->into ? request->tar : -1,
        .output = request->into ? -1 : request->tar,
        .error = STDERR_FILENO,
        .target = runs && !request->changes ? container->first->pidfd : -1,
        .snapshots = -1,
    };
    g_autoptr(GError) error = NULL;

    if (!check(container, request, &error) ||
        !berth_helper_start(container, &launch, "copied from or to", done, userdata, &error))
        done(error, userdata);
}
