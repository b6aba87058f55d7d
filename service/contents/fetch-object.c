/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One object of a remote, from berth-fetch through a pipe straight to the client. */

#include "base/cancel.h"
#include "base/fd.h"
#include "contents/contents-private.h"
#include "worker/calls.h"
#include "worker/replies.h"

typedef struct {
    BerthContents *contents;
    BerthRemoteSession *session;
    char *object;
    char **media_types;
    BerthCharge *charge;
    BerthObjectReady ready; /* NULL once it was called */
    void *userdata;
} Object;

static void finish(Object *object) {
    berth_cancel_forget(object);
    berth_charge_free(object->charge);
    object->contents->objects--;
    berth_remote_session_free(object->session);
    g_strfreev(object->media_types);
    g_free(object->object);
    g_free(object);
}

static void fail(Object *object, const GError *error) {
    object->ready(-1, NULL, error, object->userdata);
    finish(object);
}

/* The body is through, or broke off: the client sees the pipe end, and compares sizes. */
static void on_fetched(sd_bus_message *reply, const GError *error, void *userdata) {
    (void)reply;
    (void)error;
    finish(userdata);
}

static void on_resolved(sd_bus_message *reply, const GError *error, void *userdata) {
    Object *object = userdata;
    g_autoptr(BerthDescriptor) target = NULL;
    g_autoptr(GError) local = NULL;
    int ends[2] = {-1, -1};

    if (error) {
        fail(object, error);
        return;
    }
    const char *name = berth_remote_session_get_name(object->session);
    if (!berth_reply_read_resolved(reply, name, object->object, &target, NULL, &local) ||
        !berth_fd_pipe(ends, &local)) {
        fail(object, local);
        return;
    }
    berth_autofd int output = ends[0];
    berth_autofd int input = ends[1];
    berth_call_fetch_fetch(berth_remote_session_get_worker(object->session), target, 0, input,
                           on_fetched, object);
    object->ready(output, target, NULL, object->userdata);
    object->ready = NULL;
}

static void on_ready(BerthRemoteSession *session, const GError *error, void *userdata) {
    Object *object = userdata;

    if (error) {
        fail(object, error);
        return;
    }
    /* The descriptor is told before the first byte comes: what HEAD says of it may be wrong. */
    berth_call_fetch_resolve(berth_remote_session_get_worker(session), object->media_types, true,
                             on_resolved, object);
}

/* Whoever has the pipe by then sees it end. */
static void cancel_object(void *userdata, const GError *error) {
    Object *object = userdata;

    if (object->ready)
        fail(object, error);
    else
        finish(object);
}

void berth_contents_fetch_object(BerthContents *contents, const BerthObjectRequest *request,
                                 BerthObjectReady ready, void *userdata) {
    g_autoptr(GError) error = NULL;
    Object *object = g_new0(Object, 1);

    *object = (Object){.contents = contents,
                       .object = g_strdup(request->remote.object ? request->remote.object : ""),
                       .media_types = g_strdupv((char **)request->media_types),
                       .charge = request->charge,
                       .ready = ready,
                       .userdata = userdata};
    contents->objects++;
    berth_cancel_register(object, cancel_object, NULL, request->client);
    object->session =
        berth_remote_session_new(contents->remotes, &request->remote, on_ready, object, &error);
    if (!object->session)
        fail(object, error);
}
