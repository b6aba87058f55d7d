/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Methods about a container as a whole, from start to deletion, shared by the manager and the
 * container's object. Each reads its arguments, authorises, and calls one domain function; the call
 * is answered immediately or later. The only state is the pending call. The one thing to know: a
 * container pointer is valid only until the handler returns; callbacks look the container up again
 * by ID.
 */

#include "bus/container-object.h"
#include "bus/creators.h"
#include "bus/options.h"
#include "containers/commit.h"

/* Looks the container up again by ID. If it has been deleted, the PID in the reply is 0. */
static void on_started(const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;
    BerthContainer *container =
        berth_containers_find(pending->service->containers, pending->name, NULL);

    if (error)
        berth_bus_reply_error(pending->call, error);
    else
        sd_bus_reply_method_return(
            pending->call, "u", container ? berth_container_get_record(container)->first.pid : 0);
}

/* Start and Restore share this code. */
static int start_or_restore(sd_bus_message *call, void *userdata, sd_bus_error *error,
                            bool restores) {
    BerthService *service = userdata;
    g_autofree char *id = NULL;
    BerthContainerStreams streams;
    BerthContainer *container;
    int r;

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = berth_container_read_streams(call, &streams, error)) < 0)
        return r;
    r = berth_container_check(call, service, error, id, &container);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    BerthPendingCall *pending =
        berth_pending_call_new_about(service, call, berth_container_get_record(container)->id);

    if (restores)
        berth_container_restore(container, &streams, on_started, pending);
    else
        berth_container_start(container, &streams, on_started, pending);
    return 1;
}

int berth_container_method_start(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    return start_or_restore(call, userdata, error, false);
}

int berth_container_method_restore(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    return start_or_restore(call, userdata, error, true);
}

static void wait_on_exited(int status, uint64_t exited_usec, const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;

    if (error)
        berth_bus_reply_error(pending->call, error);
    else
        sd_bus_reply_method_return(pending->call, "it", (int32_t)status, exited_usec);
}

/* For Stop. The error of a process that has ended says that it never ran, which only
 * Wait reports. */
static void end_on_exited(int status, uint64_t exited_usec, const GError *error, void *userdata) {
    wait_on_exited(status, exited_usec, exited_usec > 0 ? NULL : error, userdata);
}

/* An empty process name means the container's first process. */
int berth_container_method_wait(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    g_autofree char *id = NULL;
    BerthContainer *container;
    const char *process;
    int r;

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = sd_bus_message_read(call, "s", &process)) < 0 ||
        (r = berth_options_read_none(call, error)) < 0)
        return r;
    r = berth_container_check(call, userdata, error, id, &container);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_container_wait(container, process, wait_on_exited,
                         berth_pending_call_new(userdata, call));
    return 1;
}

/* The option All sends the signal to every process of the container instead of a single one. */
int berth_container_method_kill(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    g_autofree char *id = NULL;
    BerthContainer *container;
    const char *process = "";
    int signal, all = 0, r;
    const BerthOption options[] = {
        {"All", "b", &all}, {"Process", "s", &process}, {NULL, NULL, NULL}};

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = sd_bus_message_read(call, "i", &signal)) < 0 ||
        (r = berth_options_read(call, options, ret_error)) < 0)
        return r;
    r = berth_container_check(call, userdata, ret_error, id, &container);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (!berth_container_kill(container, process, signal, all, &error))
        return berth_bus_error_set(ret_error, error);
    return sd_bus_reply_method_return(call, NULL);
}

/* The reply is the exit status, for which this waits as Wait does. A container that was never
 * started would never have one. */
int berth_container_method_stop(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    BerthContainer *container;
    uint64_t timeout_usec = UINT64_MAX;
    const BerthOption options[] = {{"TimeoutUSec", "t", &timeout_usec}, {NULL, NULL, NULL}};
    int r = berth_container_read_and_check(call, userdata, options, ret_error, &container);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (berth_container_get_record(container)->state == BERTH_CONTAINER_CREATED &&
        !berth_container_is_starting(container)) {
        berth_error_set(&error, BERTH_ERROR_FAILED_PRECONDITION,
                        "container \"%s\" was never started",
                        berth_container_get_record(container)->id);
        return berth_bus_error_set(ret_error, error);
    }
    berth_container_stop(container, timeout_usec);
    berth_container_wait(container, "", end_on_exited, berth_pending_call_new(userdata, call));
    return 1;
}

/* The reply is sent when the removal has finished. */
int berth_container_method_delete(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthContainer *container;
    int force = 0;
    const BerthOption options[] = {{"Force", "b", &force}, {NULL, NULL, NULL}};
    int r = berth_container_read_and_check(call, userdata, options, error, &container);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_container_remove(container, force, wait_on_exited,
                           berth_pending_call_new(userdata, call));
    return 1;
}

static int set_paused(sd_bus_message *call, void *userdata, sd_bus_error *error, bool paused) {
    BerthContainer *container;
    int r = berth_container_read_and_check(call, userdata, BERTH_NO_OPTIONS, error, &container);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_container_set_paused(container, paused, berth_pending_call_finish,
                               berth_pending_call_new(userdata, call));
    return 1;
}

int berth_container_method_pause(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    return set_paused(call, userdata, error, true);
}

int berth_container_method_resume(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    return set_paused(call, userdata, error, false);
}

int berth_container_method_checkpoint(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthContainer *container;
    int leave_running = 0;
    const BerthOption options[] = {{"LeaveRunning", "b", &leave_running}, {NULL, NULL, NULL}};
    int r = berth_container_read_and_check(call, userdata, options, error, &container);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_container_checkpoint(container, leave_running, berth_pending_call_finish,
                               berth_pending_call_new(userdata, call));
    return 1;
}

static int check_image(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                       const char *id, const BerthCommitRequest *request) {
    g_autoptr(BerthImage) replaced =
        request->name ? berth_image_store_get(service->database, request->name, NULL) : NULL;

    return berth_access_check(service->access, call, error, "image", "container", id, "image",
                              request->name, "replaced", replaced ? replaced->target->digest : NULL,
                              NULL);
}

/* Commit and Diff write to the image store and therefore also need the right to manage images. For
 * the caller's own container, that question comes first: it names both the image and the container,
 * so that a user who authenticates for it has also done so for the container
 * (BERTH_PERMISSION_COVERS). For any other container, the first check is whether the caller may
 * know about it, and each right is asked for separately. */
static int check_commit(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                        const char *id, const BerthCommitRequest *request) {
    BerthContainer *container = berth_containers_find(service->containers, id, NULL);
    bool own = container && !berth_container_is_pod(container) &&
               berth_container_get_record(container)->owner == request->owner;
    int r = own ? check_image(call, service, error, id, request) : BERTH_ACCESS_GRANTED;

    if (r == BERTH_ACCESS_GRANTED)
        r = berth_container_check(call, service, error, id, &container);
    if (r == BERTH_ACCESS_GRANTED && !own)
        r = check_image(call, service, error, id, request);
    return r;
}

/* The user has authenticated for the commit, so unpacking the new image needs no second
 * authentication. */
static void commit_on_end(BerthTransfer *transfer, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;
    const BerthTransferResult *result = &transfer->result;

    if (!transfer->error && result->name && result->target)
        berth_creators_add_image(pending->service, result->name, result->target->digest,
                                 pending->call);
}

/* Common to Commit and Diff. If the request has no name, only the layer is created. */
static int start_commit(sd_bus_message *call, BerthService *service, sd_bus_error *ret_error,
                        const char *id, BerthCommitRequest *request) {
    g_autoptr(GError) error = NULL;
    int r = berth_access_get_uid(service->access, call, &request->owner);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = check_commit(call, service, ret_error, id, request);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    /* The container may have been deleted while polkit was being asked. */
    BerthContainer *container = berth_containers_find(service->containers, id, &error);
    if (!container)
        return berth_bus_error_set(ret_error, error);
    BerthTransfer *transfer = berth_commit_start(container, request, &error);
    if (transfer && berth_access_is_authenticated(service->access, call))
        berth_transfer_follow(transfer, commit_on_end, berth_pending_call_new(service, call));
    return transfer ? berth_bus_reply_transfer(call, transfer)
                    : berth_bus_error_set(ret_error, error);
}

int berth_container_method_commit(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthCommitRequest request = {.author = "", .comment = ""};
    g_autofree char *id = NULL;
    int r;
    const BerthOption options[] = {
        {"Author", "s", &request.author},
        {"Comment", "s", &request.comment},
        {"Pause", "b", &request.pause},
        {NULL, NULL, NULL},
    };

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = sd_bus_message_read(call, "s", &request.name)) < 0 ||
        (r = berth_options_read(call, options, error)) < 0)
        return r;
    return start_commit(call, userdata, error, id, &request);
}

int berth_container_method_diff(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthCommitRequest request = {.author = "", .comment = ""};
    g_autofree char *id = NULL;
    int r;
    const BerthOption options[] = {{"Pause", "b", &request.pause}, {NULL, NULL, NULL}};

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = berth_options_read(call, options, error)) < 0)
        return r;
    return start_commit(call, userdata, error, id, &request);
}

/* The caller also needs the right to the new name: rules may allow certain names only. */
static int check_new_id(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                        BerthContainer *container, const char *new_id) {
    const BerthContainerRecord *record = berth_container_get_record(container);
    g_autofree char *owner = g_strdup_printf("%u", record->owner);
    uint32_t uid;
    int r = berth_access_get_uid(service->access, call, &uid);

    return r != BERTH_ACCESS_GRANTED
               ? r
               : berth_access_check(service->access, call, error,
                                    record->owner == uid ? "new-own" : "new-others", "container",
                                    new_id, "image", record->image, "owner", owner, NULL);
}

int berth_container_method_rename(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    g_autofree char *id = NULL;
    BerthContainer *container;
    const char *new_id;
    int r;

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = sd_bus_message_read(call, "s", &new_id)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    r = berth_container_check(call, userdata, ret_error, id, &container);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = check_new_id(call, userdata, ret_error, container, new_id);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    /* The entry has the old name, and the creator gets no special right under the new one. */
    berth_creators_forget(userdata, id);
    return berth_container_rename(container, new_id, &error)
               ? sd_bus_reply_method_return(call, NULL)
               : berth_bus_error_set(ret_error, error);
}
