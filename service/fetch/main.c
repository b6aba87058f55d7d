/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-fetch: everything that touches the network. One process serves one reference: Open parses
 * it and reports the registries that it concerns, Configure supplies their credentials and
 * certificates; then references are resolved, and objects are fetched into pipes or pushed from
 * descriptors. It writes no files, and nothing that it says is trusted: what it fetches is hashed
 * by other processes, against digests that they know.
 */

#include "base/digest.h"
#include "base/fd.h"
#include "fetch/fetcher.h"
#include "fetch/pusher.h"
#include "fetch/resolver.h"
#include "fetch/sampler.h"
#include "fetch/search.h"
#include "fetch/session.h"
#include "frame/frame.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdlib.h>

/* The members from here on are the rows of BERTH_FETCH_MEMBERS (base/worker-members.h). Most of
 * them read their arguments and start the work; the reply is then sent from a callback, with the
 * FetchCall that was made for the call. */
static int method_open(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    return berth_fetch_session_open(userdata, call, ret_error);
}

static int method_configure(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    return berth_fetch_session_configure(userdata, call, ret_error);
}

typedef struct {
    BerthFetchSession *session;
    sd_bus_message *call;
} FetchCall;

static FetchCall *fetch_call_new(BerthFetchSession *session, sd_bus_message *call) {
    FetchCall *pending = g_new0(FetchCall, 1);

    *pending = (FetchCall){session, sd_bus_message_ref(call)};
    return pending;
}

/* Exits if a reply cannot be made or sent: berthd waits for it without a time-out. */
static void check_answered(int r) {
    if (r < 0)
        exit(EXIT_FAILURE);
}

/* Replies with error or, without one, with reply, and frees the question. */
static void fetch_call_answer(FetchCall *pending, const GError *error, sd_bus_message *reply) {
    check_answered(error ? berth_bus_reply_error(pending->call, error)
                         : sd_bus_send(NULL, reply, NULL));
    sd_bus_message_unref(pending->call);
    g_free(pending);
}

/* A reply to fill in; NULL if an error is to be sent. */
static sd_bus_message *new_reply(FetchCall *pending, const GError *error) {
    sd_bus_message *reply = NULL;

    if (!error)
        check_answered(sd_bus_message_new_method_return(pending->call, &reply));
    return reply;
}

/* The warnings of all remotes that were asked. */
static int append_warnings(sd_bus_message *reply, BerthFetchSession *session) {
    int r = sd_bus_message_open_container(reply, 'a', "s");

    for (guint i = 0; r >= 0 && i < session->remotes->len; i++) {
        const GPtrArray *warnings = berth_remote_get_warnings(session->remotes->pdata[i]);
        for (guint j = 0; r >= 0 && j < warnings->len; j++)
            r = sd_bus_message_append(reply, "s", (const char *)warnings->pdata[j]);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void answer_resolve(const BerthDescriptor *target, const GString *body, const GError *error,
                           void *userdata) {
    FetchCall *pending = userdata;

    if (target && body)
        berth_fetch_session_keep(pending->session, target, body);
    g_autoptr(sd_bus_message) reply = new_reply(pending, error);
    int r = 0;

    if (reply && (r = sd_bus_message_append(reply, "s", pending->session->name)) >= 0 &&
        (r = berth_bus_append_descriptor(reply, target)) >= 0)
        r = append_warnings(reply, pending->session);
    check_answered(r);
    fetch_call_answer(pending, error, reply);
}

static int method_resolve(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthFetchSession *session = userdata;
    g_auto(GStrv) media_types = NULL;
    int with_get, r = sd_bus_message_read_strv(call, &media_types);

    if (r < 0 || (r = sd_bus_message_read(call, "b", &with_get)) < 0)
        return r;
    if (!berth_fetch_session_check_open(session, ret_error))
        return -EINVAL;
    berth_resolve(session->remotes, session->object, media_types, with_get, answer_resolve,
                  fetch_call_new(session, call));
    return 1;
}

/* Resolves another object in the same repository, one that belongs to an image without being part
 * of it. */
static void answer_resolve_object(const BerthDescriptor *target, const GString *body,
                                  const GError *error, void *userdata) {
    FetchCall *pending = userdata;
    g_autoptr(sd_bus_message) reply = new_reply(pending, error);

    (void)body;
    if (reply)
        check_answered(berth_bus_append_descriptor(reply, target));
    fetch_call_answer(pending, error, reply);
}

static int method_resolve_object(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthFetchSession *session = userdata;
    g_autoptr(GError) error = NULL;
    const char *object;
    int r = sd_bus_message_read(call, "s", &object);

    if (r < 0)
        return r;
    if (!berth_fetch_session_check_open(session, ret_error))
        return -EINVAL;
    if (!berth_fetch_session_check_object(session, object, &error))
        return berth_bus_error_set(ret_error, error);
    berth_resolve(session->remotes, object, NULL, false, answer_resolve_object,
                  fetch_call_new(session, call));
    return 1;
}

typedef struct {
    FetchCall *pending;
    int output;
} Referrers;

/* The output is a memfd, so that writing does not wait for a reader. */
static void answer_referrers(const BerthResponse *response, const GError *error, void *userdata) {
    Referrers *referrers = userdata;
    FetchCall *pending = referrers->pending;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (!local && response->status != 200)
        berth_remote_set_status_error(berth_fetch_session_get_origin(pending->session), "referrers",
                                      response, &local);
    if (!local && !berth_fd_write_all(referrers->output, response->body->str, response->body->len))
        berth_error_set_errno(&local, errno, "pass the referrers on");
    g_autoptr(sd_bus_message) reply = new_reply(pending, local);
    fetch_call_answer(pending, local, reply);
    berth_fd_clear(&referrers->output);
    g_free(referrers);
}

static int method_referrers(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthFetchSession *session = userdata;
    g_autoptr(GError) error = NULL;
    const char *digest;
    int r = sd_bus_message_read(call, "s", &digest);

    if (r < 0)
        return r;
    if (!berth_fetch_session_check_open(session, ret_error))
        return -EINVAL;
    if (!berth_digest_parse(digest, NULL, &error))
        return berth_bus_error_set(ret_error, error);
    int output = berth_frame_read_fd(call);
    if (output < 0)
        return output;
    Referrers *referrers = g_new0(Referrers, 1);
    *referrers = (Referrers){fetch_call_new(session, call), output};
    g_autofree char *path = g_strconcat("referrers/", digest, NULL);
    berth_remote_send(
        berth_fetch_session_get_origin(session), path, NULL,
        &(BerthHttpOptions){.method = "GET", .accept = "application/vnd.oci.image.index.v1+json"},
        answer_referrers, referrers);
    return 1;
}

static void answer_fetch(uint64_t size, const GError *error, void *userdata) {
    FetchCall *pending = userdata;
    g_autoptr(sd_bus_message) reply = new_reply(pending, error);

    if (reply)
        check_answered(sd_bus_message_append(reply, "t", size));
    fetch_call_answer(pending, error, reply);
}

/* berth_fetch() takes ownership of the pipe. */
static int method_fetch(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthFetchSession *session = userdata;
    g_autoptr(BerthDescriptor) target = NULL;
    uint64_t offset;
    int r;

    if (!berth_fetch_session_check_open(session, ret_error))
        return -EINVAL;
    if ((r = berth_bus_read_descriptor(call, &target)) < 0 ||
        (r = sd_bus_message_read(call, "t", &offset)) < 0)
        return r;
    int pipe = berth_frame_read_fd(call);
    if (pipe < 0)
        return pipe;
    /* One loop serves all fetches, so a full pipe must not block. */
    (void)fcntl(pipe, F_SETFL, O_WRONLY | O_NONBLOCK);
    offset = berth_fetch_session_pass_on(session, target, offset, pipe);
    berth_fetch(session->event, session->remotes, target, offset, pipe, answer_fetch,
                fetch_call_new(session, call));
    return 1;
}

static void answer_sample(const char *data, size_t size, const GError *error, void *userdata) {
    FetchCall *pending = userdata;
    g_autoptr(sd_bus_message) reply = new_reply(pending, error);

    if (reply)
        check_answered(sd_bus_message_append_array(reply, 'y', data, size));
    fetch_call_answer(pending, error, reply);
}

static int method_sample(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthFetchSession *session = userdata;
    g_autoptr(GError) error = NULL;
    const char *digest;
    uint64_t offset;
    uint32_t length;
    int r = sd_bus_message_read(call, "stu", &digest, &offset, &length);

    if (r < 0)
        return r;
    if (!berth_fetch_session_check_open(session, ret_error))
        return -EINVAL;
    if (!berth_digest_parse(digest, NULL, &error))
        return berth_bus_error_set(ret_error, error);
    if (length == 0 || length > BERTH_SAMPLE_MAX_BYTES)
        return -EINVAL;
    berth_sample(session->remotes, digest, offset, length, answer_sample,
                 fetch_call_new(session, call));
    return 1;
}

static void answer_push(BerthPushOutcome outcome, const GError *error, void *userdata) {
    static const char *const words[] = {"pushed", "exists", "mounted"};
    FetchCall *pending = userdata;
    g_autoptr(sd_bus_message) reply = new_reply(pending, error);

    if (reply)
        check_answered(sd_bus_message_append(reply, "s", words[outcome]));
    fetch_call_answer(pending, error, reply);
}

static int method_push_blob(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthFetchSession *session = userdata;
    g_autoptr(BerthDescriptor) target = NULL;
    g_auto(GStrv) sources = NULL;
    int r;

    if (!berth_fetch_session_check_open(session, ret_error))
        return -EINVAL;
    if ((r = berth_bus_read_descriptor(call, &target)) < 0 ||
        (r = sd_bus_message_read_strv(call, &sources)) < 0)
        return r;
    int content = berth_frame_read_fd(call);
    if (content < 0)
        return content;
    berth_push_blob(session->event, berth_fetch_session_get_origin(session), target, content,
                    sources, answer_push, fetch_call_new(session, call));
    return 1;
}

/* With named, the manifest is pushed under the tag of the reference, if it has one; otherwise under
 * its digest. */
static int method_push_manifest(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthFetchSession *session = userdata;
    g_autoptr(BerthDescriptor) target = NULL;
    int named, r;

    if (!berth_fetch_session_check_open(session, ret_error))
        return -EINVAL;
    if ((r = berth_bus_read_descriptor(call, &target)) < 0 ||
        (r = sd_bus_message_read(call, "b", &named)) < 0)
        return r;
    const char *object =
        named && session->reference->tag[0] ? session->reference->tag : target->digest;
    /* A reference with a digest can only name the content with that digest. */
    if (named && session->reference->digest[0] &&
        !g_str_equal(session->reference->digest, target->digest))
        return sd_bus_error_setf(ret_error, BERTH_ERROR_PREFIX "DigestMismatch",
                                 "%s: the pushed content has the digest %s", session->name,
                                 target->digest);
    int content = berth_frame_read_fd(call);
    if (content < 0)
        return content;
    berth_push_manifest(berth_fetch_session_get_origin(session), target, object, content,
                        answer_push, fetch_call_new(session, call));
    return 1;
}

/* GET /v2/ shows whether the registry accepts the credentials: a registry that uses any requires
 * them there. */
static void answer_authenticate(const BerthResponse *response, const GError *error,
                                void *userdata) {
    FetchCall *pending = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (!error && response->status != 200)
        berth_remote_set_status_error(berth_fetch_session_get_origin(pending->session), "/v2/",
                                      response, &local);
    g_autoptr(sd_bus_message) reply = new_reply(pending, local);
    fetch_call_answer(pending, local, reply);
}

static int method_authenticate(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthFetchSession *session = userdata;

    if (!berth_fetch_session_check_open(session, ret_error))
        return -EINVAL;
    berth_remote_send(berth_fetch_session_get_origin(session), "/", NULL,
                      &(BerthHttpOptions){.method = "GET"}, answer_authenticate,
                      fetch_call_new(session, call));
    return 1;
}

static int append_found(sd_bus_message *reply, const GPtrArray *results) {
    int r = sd_bus_message_open_container(reply, 'a', "(sstb)");

    for (guint i = 0; r >= 0 && i < results->len; i++) {
        const BerthSearchResult *result = results->pdata[i];
        r = sd_bus_message_append(reply, "(sstb)", result->name, result->description, result->stars,
                                  (int)result->official);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void answer_search(GPtrArray *results, const GError *error, void *userdata) {
    FetchCall *pending = userdata;
    g_autoptr(sd_bus_message) reply = new_reply(pending, error);

    if (reply)
        check_answered(append_found(reply, results));
    fetch_call_answer(pending, error, reply);
}

static int method_search(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthFetchSession *session = userdata;
    const char *term;
    uint32_t limit;
    int tags, r = sd_bus_message_read(call, "bsu", &tags, &term, &limit);

    if (r < 0)
        return r;
    if (!berth_fetch_session_check_open(session, ret_error))
        return -EINVAL;
    berth_search(session, tags ? BERTH_SEARCH_TAGS : BERTH_SEARCH_REPOSITORIES, term, limit,
                 answer_search, fetch_call_new(session, call));
    return 1;
}

static const sd_bus_vtable vtable[] = BERTH_FRAME_VTABLE(BERTH_FETCH_MEMBERS);

/* Called by the frame once there is an event loop, before the first call. */
static bool prepare_http(BerthFrame *frame, void *userdata, GError **error) {
    BerthFetchSession *session = userdata;

    session->event = berth_frame_get_event(frame);
    session->http = berth_http_new(session->event, error);
    return session->http != NULL;
}

int main(void) {
    BerthFetchSession session = {0};

    g_set_prgname("berth-fetch");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return EXIT_FAILURE;
    return berth_frame_run(berth_sandbox_find("fetch"), vtable, prepare_http, &session);
}
