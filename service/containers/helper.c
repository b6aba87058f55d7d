/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Programs of the service that work on a container beside it, and take their time: until one is
 * done, what is stopped is not started, moved or deleted. */

#include "base/fd.h"
#include "base/operation.h"
#include "containers/container-private.h"

typedef struct {
    BerthContainers *containers;
    char *id;
    const char *what;
    BerthLaunch *launch;
    BerthOperation *operation;
    BerthContainerDone done;
    void *userdata;
} Helper;

static void free_helper(gpointer data) {
    Helper *helper = data;

    berth_operation_abandon(helper->operation);
    if (helper->launch)
        berth_launch_free(helper->launch);
    g_free(helper->id);
    g_free(helper);
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
    Helper *helper = userdata;
    BerthContainerDone done = helper->done;
    void *done_userdata = helper->userdata;

    BerthContainer *container = berth_containers_find(helper->containers, helper->id, NULL);

    helper->launch = NULL;
    g_ptr_array_remove_fast(helper->containers->helpers, helper);
    if (container)
        berth_container_go_on_removing(container);
    done(error, done_userdata);
}

GPtrArray *berth_helpers_new(void) {
    return g_ptr_array_new_with_free_func(free_helper);
}

bool berth_container_check_idle(const BerthContainer *container, GError **error) {
    const GPtrArray *helpers = container->containers->helpers;

    for (guint i = 0; i < helpers->len; i++) {
        const Helper *helper = helpers->pdata[i];
        if (g_str_equal(helper->id, container->record.id))
            return berth_error_set(error, BERTH_ERROR_BUSY,
                                   "container \"%s\" is being %s; wait for it", helper->id,
                                   helper->what);
    }
    return berth_container_check_kept(container, error);
}

bool berth_helpers_have(const BerthContainer *container) {
    const GPtrArray *helpers = container->containers->helpers;

    for (guint i = 0; i < helpers->len; i++)
        if (g_str_equal(((const Helper *)helpers->pdata[i])->id, container->record.id))
            return true;
    return false;
}

static void cancel_helper(void *userdata, const GError *error) {
    Helper *helper = userdata;

    berth_launch_fail(helper->launch, error);
}

void berth_helpers_cancel(BerthContainer *container, const GError *error) {
    GPtrArray *helpers = container->containers->helpers;

    for (guint i = 0; i < helpers->len; i++)
        if (g_str_equal(((const Helper *)helpers->pdata[i])->id, container->record.id))
            cancel_helper(helpers->pdata[i], error);
}

bool berth_helper_start(BerthContainer *container, const BerthLaunchRequest *wanted,
                        const char *what, BerthContainerDone done, void *userdata, GError **error) {
    static const BerthLaunchCallbacks callbacks = {
        .born = on_born, .terminal = on_terminal, .done = on_done};
    static const BerthOperationType type = {.cancel = cancel_helper};
    BerthContainers *containers = container->containers;
    BerthLaunchRequest request = *wanted;
    berth_autofd int config = -1, directory = -1;

    if (!berth_container_check_kept(container, error) ||
        !berth_container_open_files(container, &config, &directory, error))
        return false;
    request.event = containers->event;
    request.id = container->record.id;
    request.config = config;
    if (request.target < 0)
        request.target = directory;
    if (request.snapshots < 0)
        request.snapshots = berth_snapshot_store_get_directory(containers->images->snapshots);
    request.takes_its_time = true;
    Helper *helper = g_new0(Helper, 1);
    *helper = (Helper){containers, g_strdup(request.id), what, NULL, NULL, done, userdata};
    helper->launch = berth_launch_new(&request, &callbacks, helper, error);
    if (!helper->launch) {
        free_helper(helper);
        return false;
    }
    g_ptr_array_add(containers->helpers, helper);
    helper->operation = berth_operation_new(containers->event, &type, helper);
    berth_operation_set_caller(helper->operation, userdata, NULL);
    return true;
}
