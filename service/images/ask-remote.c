/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Questions to remotes that need no transfer: what a reference means, and whether a registry takes
 * somebody's credentials. */

#include "base/cancel.h"
#include "images/images.h"
#include "worker/calls.h"
#include "worker/replies.h"

typedef struct {
    BerthImages *images;
    BerthRemoteSession *session;
    BerthImageResolved resolved;
    BerthImageDone done;
    void *userdata;
} Question;

static void free_question(Question *question) {
    berth_cancel_forget(question);
    question->images->busy--;
    berth_remote_session_free(question->session);
    g_free(question);
}

static void finish(Question *question, const char *name, const BerthDescriptor *target,
                   const GError *error) {
    if (question->resolved)
        question->resolved(name, target, error, question->userdata);
    else
        question->done(error, question->userdata);
    free_question(question);
}

static void on_answer(sd_bus_message *reply, const GError *error, void *userdata) {
    Question *question = userdata;
    g_autoptr(BerthDescriptor) target = NULL;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;
    const char *name = berth_remote_session_get_name(question->session);

    if (!local && question->resolved)
        berth_reply_read_resolved(reply, name, "", &target, NULL, &local);
    finish(question, local ? NULL : name, target, local);
}

static void on_ready(BerthRemoteSession *session, const GError *error, void *userdata) {
    Question *question = userdata;

    if (error) {
        finish(question, NULL, NULL, error);
        return;
    }
    BerthWorker *fetch = berth_remote_session_get_worker(session);
    if (question->resolved)
        berth_call_fetch_resolve(fetch, NULL, false, on_answer, question);
    else
        berth_call_fetch_authenticate(fetch, on_answer, question);
}

static void cancel_question(void *question, const GError *error) {
    finish(question, NULL, NULL, error);
}

static void ask(Question *question, const BerthRemoteRequest *request) {
    BerthImages *images = question->images;
    g_autoptr(GError) error = NULL;

    images->busy++;
    berth_cancel_register(question, cancel_question, question->userdata, NULL);
    question->session =
        berth_remote_session_new(images->remotes, request, on_ready, question, &error);
    if (!question->session)
        finish(question, NULL, NULL, error);
}

void berth_images_resolve(BerthImages *images, const BerthRemoteRequest *request,
                          BerthImageResolved done, void *userdata) {
    Question *question = g_new0(Question, 1);

    *question = (Question){.images = images, .resolved = done, .userdata = userdata};
    ask(question, request);
}

void berth_images_authenticate(BerthImages *images, const BerthRemoteRequest *request,
                               BerthImageDone done, void *userdata) {
    Question *question = g_new0(Question, 1);

    *question = (Question){.images = images, .done = done, .userdata = userdata};
    ask(question, request);
}
