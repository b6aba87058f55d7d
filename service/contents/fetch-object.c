/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Passes one object of a remote from berth-fetch straight to the client, through a pipe. First it
 * is resolved, then the client is given the pipe (ready), and the operation lasts until berth-fetch
 * has written everything. The object is owned only by its operation.
 */

#include "base/fd.h"
#include "base/operation.h"
#include "contents/contents-private.h"
#include "worker/calls.h"
#include "worker/replies.h"

typedef struct {
    BerthOperation *operation;
    BerthRemoteSession *session;
    char *object;
    char **media_types;
    BerthCharge *charge;
    BerthObjectReady ready; /* NULL after it was called */
    void *userdata;
} FetchedObject;

static void fetched_object_free(void *data) {
    FetchedObject *object = data;

    berth_charge_free(object->charge);
    berth_remote_session_free(object->session);
    g_strfreev(object->media_types);
    g_free(object->object);
    g_free(object);
}

/* A client that already has the pipe cannot be sent an error: it sees the end of the data, and
 * compares the size with that in the descriptor. */
static void fetched_object_report(void *data, const GError *error) {
    FetchedObject *object = data;

    if (object->ready)
        object->ready(-1, NULL, error, object->userdata);
}

static void fetched_object_on_fetched(sd_bus_message *reply, const GError *error, void *userdata) {
    FetchedObject *object = userdata;

    (void)reply;
    berth_operation_end(object->operation, error);
}

static void fetched_object_on_resolved(sd_bus_message *reply, const GError *error, void *userdata) {
    FetchedObject *object = userdata;
    g_autoptr(BerthDescriptor) target = NULL;
    g_autoptr(GError) local = NULL;
    int ends[2] = {-1, -1};

    if (error) {
        berth_operation_end(object->operation, error);
        return;
    }
    const char *name = berth_remote_session_get_name(object->session);
    if (!berth_reply_read_resolved(reply, name, object->object, &target, NULL, &local) ||
        !berth_fd_pipe(ends, &local)) {
        berth_operation_end(object->operation, local);
        return;
    }
    berth_autofd int output = ends[0];
    /* The call has its own duplicate. Closing this one leaves berth-fetch as the only writer, so
     * that the client sees the end of the data. */
    berth_autofd int input = ends[1];
    berth_call_fetch_fetch(berth_remote_session_get_worker(object->session), target, 0, input,
                           fetched_object_on_fetched, object);
    object->ready(output, target, NULL, object->userdata);
    object->ready = NULL;
}

static void fetched_object_on_ready(BerthRemoteSession *session, const GError *error,
                                    void *userdata) {
    FetchedObject *object = userdata;

    if (error) {
        berth_operation_end(object->operation, error);
        return;
    }
    /* Uses GET: the descriptor is announced before the first byte arrives, and the reply to HEAD
     * may be wrong. */
    berth_call_fetch_resolve(berth_remote_session_get_worker(session), object->media_types, true,
                             fetched_object_on_resolved, object);
}

void berth_contents_fetch_object(BerthContents *contents, const BerthObjectRequest *request,
                                 BerthObjectReady ready, void *userdata) {
    static const BerthOperationType type = {.tell = fetched_object_report,
                                            .free = fetched_object_free};
    g_autoptr(GError) error = NULL;
    FetchedObject *object = g_new0(FetchedObject, 1);

    *object =
        (FetchedObject){.object = g_strdup(request->remote.object ? request->remote.object : ""),
                        .media_types = g_strdupv((char **)request->media_types),
                        .charge = request->charge,
                        .ready = ready,
                        .userdata = userdata};
    object->operation = berth_operation_new(contents->event, &type, object);
    berth_operation_set_caller(object->operation, NULL, request->client);
    object->session = berth_remote_session_new(contents->remotes, &request->remote,
                                               fetched_object_on_ready, object, &error);
    if (!object->session)
        berth_operation_end(object->operation, error);
}
