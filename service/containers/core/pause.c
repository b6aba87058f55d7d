/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pausing and resuming. systemd freezes a scope; any other cgroup is frozen directly through the
 * kernel. Two simultaneous requests result in one event. A container is also paused if its cgroup
 * or one above was frozen by somebody else, as by "systemctl freeze" (parts/frozen.c).
 */

#include "containers/core/pause.h"

#include "base/log.h"
#include "containers/core/handle.h"
#include "containers/core/part.h"
#include "containers/core/state.h"
#include "systemd/cgroup.h"

/* A request that waits for a reply from systemd. The container may be gone by then. */
typedef struct {
    BerthContainerHandle container;
    char *id;
    bool paused;
    BerthContainerDone done;
    void *userdata;
} PauseRequest;

/* Looks the container up again, since it may have ended or been deleted before systemd replied. If
 * it is to be stopped by then, it continues, since its processes must receive the signal. */
static bool apply_pause(const PauseRequest *request, const GError *scope_error, GError **error) {
    BerthContainer *container =
        berth_container_handle_find(&request->container, request->id, error);
    BerthContainerState state = request->paused ? BERTH_CONTAINER_PAUSED : BERTH_CONTAINER_RUNNING;

    if (!container || !berth_container_check_running(container, error))
        return false;
    /* systemd can freeze only on the unified hierarchy; the kernel can on either. */
    if (scope_error &&
        !berth_cgroup_freeze((pid_t)container->record.first.pid,
                             berth_container_get_cgroup_name(container), request->paused)) {
        g_propagate_error(error, g_error_copy(scope_error));
        return false;
    }
    if (request->paused && !berth_parts_permit(container, BERTH_ACTION_PAUSE, error)) {
        if (!berth_container_is_with_caller(container))
            berth_scopes_freeze(container->containers->scopes, container->scope, false, NULL, NULL);
        return false;
    }
    if (!request->paused &&
        berth_cgroup_is_frozen_above((pid_t)container->record.first.pid,
                                     berth_container_get_cgroup_name(container)))
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" stays paused: the unit or slice around its cgroup "
                               "is frozen",
                               request->id);
    return container->record.state == state ||
           berth_container_set_state(container, state, BERTH_STATUS_UNKNOWN, error);
}

static void on_frozen(const GError *scope_error, void *userdata) {
    PauseRequest *request = userdata;
    g_autoptr(GError) error = NULL;

    (void)apply_pause(request, scope_error, &error);
    request->done(error, request->userdata);
    g_free(request->id);
    g_free(request);
}

/* systemd does not know this cgroup, so it is frozen through the kernel, without waiting. */
static void freeze_with_caller(const BerthContainer *container, PauseRequest *request) {
    g_autoptr(GError) error = NULL;

    if (!berth_cgroup_freeze((pid_t)container->record.first.pid,
                             berth_container_get_cgroup_name(container), request->paused))
        berth_error_set(&error, BERTH_ERROR_FAILED_PRECONDITION,
                        "the cgroup \"%s\" cannot be frozen or thawed",
                        berth_container_get_cgroup_name(container));
    on_frozen(error, request);
}

static bool check_pause(const BerthContainer *container, bool paused, GError **error) {
    if (!berth_container_check_running(container, error) ||
        (paused && !berth_parts_permit(container, BERTH_ACTION_PAUSE, error)))
        return false;
    return (container->record.state == BERTH_CONTAINER_PAUSED) != paused ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           paused ? "container \"%s\" is paused already"
                                  : "container \"%s\" is not paused",
                           container->record.id);
}

void berth_container_set_paused(BerthContainer *container, bool paused, BerthContainerDone done,
                                void *userdata) {
    g_autoptr(GError) error = NULL;
    PauseRequest *request;

    if (!check_pause(container, paused, &error)) {
        done(error, userdata);
        return;
    }
    request = g_new0(PauseRequest, 1);
    *request = (PauseRequest){
        .container = berth_container_get_handle(container),
        .id = g_strdup(container->record.id),
        .paused = paused,
        .done = done,
        .userdata = userdata,
    };
    if (berth_container_is_with_caller(container))
        freeze_with_caller(container, request);
    else
        berth_scopes_freeze(container->containers->scopes, container->scope, paused, on_frozen,
                            request);
}

void berth_container_update_paused(BerthContainer *container) {
    const BerthContainerRecord *record = &container->record;
    g_autoptr(GError) error = NULL;
    bool paused;

    if (!berth_container_is_running(container) ||
        !berth_cgroup_read_frozen((pid_t)record->first.pid,
                                  berth_container_get_cgroup_name(container), &paused) ||
        paused == (record->state == BERTH_CONTAINER_PAUSED))
        return;
    if (!berth_container_set_state(container,
                                   paused ? BERTH_CONTAINER_PAUSED : BERTH_CONTAINER_RUNNING,
                                   BERTH_STATUS_UNKNOWN, &error))
        berth_log_warning("BERTH_CONTAINER", record->id, "%s", error->message);
}
