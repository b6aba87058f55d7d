/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A search at a registry: opens a session and makes one call. The operation owns the object, which
 * reports to the caller.
 */

#include "images/search.h"

#include "base/operation.h"
#include "worker/calls.h"

typedef struct {
    BerthOperation *operation;
    BerthRemoteSession *session;
    char *term;
    bool tags;
    uint32_t limit;
    GPtrArray *results;
    BerthSearchDone done;
    void *userdata;
} Search;

static void search_report(void *object, const GError *error) {
    const Search *search = object;

    search->done(error ? NULL : search->results, error, search->userdata);
}

static void search_free(void *object) {
    Search *search = object;

    berth_remote_session_free(search->session);
    g_clear_pointer(&search->results, g_ptr_array_unref);
    g_free(search->term);
    g_free(search);
}

/* The number and lengths of the results are checked (worker/replies.h). */
static void search_on_answer(sd_bus_message *reply, const GError *error, void *userdata) {
    Search *search = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (!local)
        berth_reply_read_found(reply, search->limit, &search->results, &local);
    berth_operation_end(search->operation, local);
}

static void search_on_ready(BerthRemoteSession *session, const GError *error, void *userdata) {
    Search *search = userdata;

    if (error)
        berth_operation_end(search->operation, error);
    else
        berth_call_fetch_search(berth_remote_session_get_worker(session), search->tags,
                                search->term, search->limit, search_on_answer, search);
}

void berth_images_search(BerthImages *images, const BerthSearchRequest *request,
                         BerthSearchDone done, void *userdata) {
    static const BerthOperationType type = {.tell = search_report, .free = search_free};
    Search *search = g_new0(Search, 1);
    g_autoptr(GError) error = NULL;

    *search = (Search){
        .term = g_strdup(request->term),
        .tags = request->tags,
        .limit = request->limit,
        .done = done,
        .userdata = userdata,
    };
    search->operation = berth_operation_new(images->event, &type, search);
    berth_operation_set_caller(search->operation, userdata, NULL);
    search->session = berth_remote_session_new(images->remotes, &request->request, search_on_ready,
                                               search, &error);
    if (!search->session)
        berth_operation_end(search->operation, error);
}
