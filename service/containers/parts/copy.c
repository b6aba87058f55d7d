/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Copies files out of a container or into it. berth-copy does the work as a helper (helper.h). The
 * slot of the service holds the program's descriptor, which is opened once.
 */

#include "containers/parts/copy.h"

#include "bare/launch-protocol.h"
#include "base/fd.h"
#include "containers/core/launch.h"
#include "containers/parts/helper.h"

#include <string.h>
#include <unistd.h>

enum { MAX_PATH = 4096 };

static const char COPIED_FROM[] = "copied from";
static const char COPIED_INTO[] = "copied into";

typedef struct {
    int program; /* berth-copy */
} CopyService;

static int get_program(const BerthContainers *containers) {
    return ((const CopyService *)*berth_containers_slot(containers, &berth_copy_part))->program;
}

static bool check_copy(BerthContainer *container, const BerthCopyRequest *request, GError **error) {
    static const char *const kinds[] = {"file", "directory", "names", NULL};

    if (request->mode != BERTH_COPY_CHANGES &&
        (request->path[0] != '/' || strlen(request->path) >= MAX_PATH))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the path \"%.200s\" in the container is not absolute",
                               request->path);
    /* The name replaces the first path component of everything in the tar, and must not lead
     * anywhere else. */
    if (strchr(request->name, '/') || g_str_equal(request->name, ".."))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "\"%.200s\" is not a file name",
                               request->name);
    if (request->kind[0] && !g_strv_contains(kinds, request->kind))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "unknown kind \"%.100s\"; use file, directory or names",
                               request->kind);
    return berth_container_check_not_starting(container, error);
}

void berth_container_copy(BerthContainer *container, const BerthCopyRequest *request,
                          BerthContainerDone done, void *userdata) {
    /* A running container is entered through its pidfd. If it is stopped, or only its changes are
     * listed, berth-copy gets its directory (-1; helper.h). */
    bool runs = berth_container_is_running(container);
    g_autofree char *out = g_strconcat("out", request->kind[0] ? "-" : "", request->kind,
                                       request->follows_link ? BERTH_COPY_FOLLOWING : "", NULL);
    const BerthLaunchRequest launch = {
        .program = get_program(container->containers),
        .name = "berth-copy",
        .mode = request->mode == BERTH_COPY_CHANGES ? "changes"
                : request->mode == BERTH_COPY_OUT   ? out
                : request->keeps_owners             ? "in-with-owners"
                                                    : "in",
        .arguments = {request->path, request->name},
        .input = request->mode == BERTH_COPY_IN ? request->tar : -1,
        .output = request->mode == BERTH_COPY_IN ? -1 : request->tar,
        .error = STDERR_FILENO,
        .words = "copy",
        .target = runs && request->mode != BERTH_COPY_CHANGES ? container->first->pidfd : -1,
        .snapshots = -1,
        BERTH_LAUNCH_NO_DESCRIPTORS,
    };
    g_autoptr(GError) error = NULL;

    if (!check_copy(container, request, &error) ||
        !berth_helper_start(container, &launch,
                            request->mode == BERTH_COPY_IN ? COPIED_INTO : COPIED_FROM, done,
                            userdata, &error))
        done(error, userdata);
    else if (request->mode == BERTH_COPY_IN)
        container->changes++;
}

bool berth_container_check_not_copied_into(const BerthContainer *container, GError **error) {
    return berth_helpers_check_none(container, COPIED_INTO, error);
}

static void copy_closed(BerthContainers *containers) {
    CopyService *service = *berth_containers_slot(containers, &berth_copy_part);

    if (service)
        berth_fd_clear(&service->program);
    g_free(service);
}

static bool copy_opened(BerthContainers *containers, GError **error) {
    CopyService *service = g_new0(CopyService, 1);

    *berth_containers_slot(containers, &berth_copy_part) = service;
    service->program = berth_launcher_open_program("berth-copy", error);
    return service->program >= 0;
}

const BerthPart berth_copy_part = {
    .name = "copy",
    .opened = copy_opened,
    .closed = copy_closed,
};
