/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Queries to a remote that need no transfer: what a reference resolves to, and whether a registry
 * accepts credentials. Both open a session and make one call. The operation owns the object, which
 * reports to the caller.
 */

#include "base/operation.h"
#include "images/images.h"
#include "worker/calls.h"
#include "worker/replies.h"

typedef struct {
    BerthOperation *operation;
    BerthRemoteSession *session;
    BerthDescriptor *target; /* the result of resolving */
    BerthImageResolved resolved;
    BerthImageDone authenticated; /* only one of these two is set */
    void *userdata;
} RemoteQuestion;

/* The name belongs to the session, which is freed after this. */
static void remote_question_report(void *object, const GError *error) {
    const RemoteQuestion *question = object;
    const char *name = question->target ? berth_remote_session_get_name(question->session) : NULL;

    if (question->resolved)
        question->resolved(name, question->target, error, question->userdata);
    else
        question->authenticated(error, question->userdata);
}

static void remote_question_free(void *object) {
    RemoteQuestion *question = object;

    berth_remote_session_free(question->session);
    berth_descriptor_free(question->target);
    g_free(question);
}

/* The reply to Authenticate is empty: it has succeeded if there is no error. */
static void remote_question_on_answer(sd_bus_message *reply, const GError *error, void *userdata) {
    RemoteQuestion *question = userdata;
    const char *name = berth_remote_session_get_name(question->session);
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (!local && question->resolved)
        berth_reply_read_resolved(reply, name, "", &question->target, NULL, &local);
    berth_operation_end(question->operation, local);
}

static void remote_question_on_ready(BerthRemoteSession *session, const GError *error,
                                     void *userdata) {
    RemoteQuestion *question = userdata;

    if (error) {
        berth_operation_end(question->operation, error);
        return;
    }
    BerthWorker *fetch = berth_remote_session_get_worker(session);
    if (question->resolved)
        berth_call_fetch_resolve(fetch, NULL, false, remote_question_on_answer, question);
    else
        berth_call_fetch_authenticate(fetch, remote_question_on_answer, question);
}

/* The query is cancelled if the call that waits for it ends earlier (base/operation.h). */
static void remote_question_ask(BerthImages *images, const BerthRemoteRequest *request,
                                BerthImageResolved resolved, BerthImageDone authenticated,
                                void *userdata) {
    static const BerthOperationType type = {.tell = remote_question_report,
                                            .free = remote_question_free};
    RemoteQuestion *question = g_new0(RemoteQuestion, 1);
    g_autoptr(GError) error = NULL;

    *question = (RemoteQuestion){
        .resolved = resolved, .authenticated = authenticated, .userdata = userdata};
    question->operation = berth_operation_new(images->event, &type, question);
    berth_operation_set_caller(question->operation, userdata, NULL);
    question->session = berth_remote_session_new(images->remotes, request, remote_question_on_ready,
                                                 question, &error);
    if (!question->session)
        berth_operation_end(question->operation, error);
}

void berth_images_resolve(BerthImages *images, const BerthRemoteRequest *request,
                          BerthImageResolved done, void *userdata) {
    remote_question_ask(images, request, done, NULL, userdata);
}

void berth_images_authenticate(BerthImages *images, const BerthRemoteRequest *request,
                               BerthImageDone done, void *userdata) {
    remote_question_ask(images, request, NULL, done, userdata);
}
