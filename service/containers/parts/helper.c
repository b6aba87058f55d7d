/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Helpers: programs that the service runs to work on one container (berth-copy, berth-checkpoint,
 * berth-network). The container owns its helpers, in its slot. A helper ends when its program does,
 * or when it is cancelled; until then its operation keeps the service running. The one thing to
 * know: while a helper is at work, actions that would pull the container out from under it are
 * refused (helpers_permit).
 */

#include "containers/parts/helper.h"

#include "base/fd.h"
#include "base/operation.h"

typedef struct {
    BerthContainer *container;
    const char *activity;
    BerthLaunch *launch;
    BerthOperation *operation;
    BerthContainerDone done;
    void *userdata;
} Helper;

static GPtrArray *find_helpers(const BerthContainer *container) {
    return *berth_container_slot(container, &berth_helpers_part);
}

static void free_helper(gpointer data) {
    Helper *helper = data;

    berth_operation_abandon(helper->operation);
    if (helper->launch)
        berth_launch_free(helper->launch);
    g_free(helper);
}

static GPtrArray *get_helpers(BerthContainer *container) {
    void **slot = berth_container_slot(container, &berth_helpers_part);

    if (!*slot)
        *slot = g_ptr_array_new_with_free_func(free_helper);
    return *slot;
}

static void helper_on_done(const GError *error, void *userdata) {
    Helper *helper = userdata;
    BerthContainer *container = helper->container;
    BerthContainerDone done = helper->done;
    void *done_userdata = helper->userdata;

    /* The launch frees itself. The helper is removed before done is called, since done may start
     * another one. */
    helper->launch = NULL;
    g_ptr_array_remove_fast(find_helpers(container), helper);
    berth_parts_settled(container);
    done(error, done_userdata);
}

bool berth_helpers_are_at_work(const BerthContainer *container) {
    const GPtrArray *helpers = find_helpers(container);

    return helpers && helpers->len > 0;
}

static bool refuse_busy(const BerthContainer *container, const char *activity, GError **error) {
    return berth_error_set(error, BERTH_ERROR_BUSY, "container \"%s\" is being %s; wait for it",
                           container->record.id, activity);
}

bool berth_helpers_check_none(const BerthContainer *container, const char *activity,
                              GError **error) {
    const GPtrArray *helpers = find_helpers(container);

    for (guint i = 0; helpers && i < helpers->len; i++)
        if (g_str_equal(((const Helper *)helpers->pdata[i])->activity, activity))
            return refuse_busy(container, activity, error);
    return true;
}

/* Only kills: the helper stays in the list until its launch is done. */
static void cancel_helper(void *userdata, const GError *error) {
    berth_launch_fail(((Helper *)userdata)->launch, error);
}

void berth_helpers_cancel(BerthContainer *container, const GError *error) {
    GPtrArray *helpers = find_helpers(container);

    for (guint i = 0; helpers && i < helpers->len; i++)
        cancel_helper(helpers->pdata[i], error);
}

bool berth_helper_start(BerthContainer *container, const BerthLaunchRequest *wanted,
                        const char *activity, BerthContainerDone done, void *userdata,
                        GError **error) {
    static const BerthLaunchCallbacks callbacks = {.done = helper_on_done};
    static const BerthOperationType type = {.cancel = cancel_helper};
    BerthContainers *containers = container->containers;
    BerthLaunchRequest request = *wanted;
    berth_autofd int config = -1, directory = -1;

    if (!berth_parts_permit(container, BERTH_ACTION_HELPER, error) ||
        !berth_container_open_files(container, &config, &directory, error))
        return false;
    request.event = containers->event;
    request.id = container->record.id;
    request.config = config;
    /* Defaults for the descriptors that the caller leaves out: the container's directory, and that
     * of all snapshots. */
    if (request.target < 0)
        request.target = directory;
    if (request.snapshots < 0)
        request.snapshots = berth_snapshot_store_get_directory(containers->images->snapshots);
    request.kind = BERTH_LAUNCH_HELPER;
    Helper *helper = g_new0(Helper, 1);
    *helper = (Helper){container, activity, NULL, NULL, done, userdata};
    helper->launch = berth_launch_new(&request, &callbacks, helper, error);
    if (!helper->launch) {
        free_helper(helper);
        return false;
    }
    g_ptr_array_add(get_helpers(container), helper);
    helper->operation = berth_operation_new(containers->event, &type, helper);
    berth_operation_set_caller(helper->operation, userdata, NULL);
    return true;
}

/* A running container can be copied from and to at any time, since the helper enters it. For a
 * stopped one the helper mounts the root file system itself, and a checkpoint may not be complete
 * yet. */
static bool helpers_permit(const BerthContainer *container, BerthAction action, GError **error) {
    bool conflicts = (action == BERTH_ACTION_START && !berth_container_is_running(container)) ||
                     action == BERTH_ACTION_CHECKPOINT || action == BERTH_ACTION_RENAME ||
                     action == BERTH_ACTION_REMOVE;
    const GPtrArray *helpers = find_helpers(container);

    return !conflicts || !helpers || helpers->len == 0 ||
           refuse_busy(container, ((const Helper *)helpers->pdata[0])->activity, error);
}

static void helpers_freed(BerthContainer *container) {
    void **slot = berth_container_slot(container, &berth_helpers_part);

    if (*slot)
        g_ptr_array_unref(*slot);
    *slot = NULL;
}

const BerthPart berth_helpers_part = {
    .name = "helpers",
    .permits = helpers_permit,
    .freed = helpers_freed,
};
