/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A BerthRemote belongs to berth-fetch's main() and lives as long as the process. It learns from
 * responses: the scheme (for hosts that may be plain, by a probe), whether the registry accepts
 * Basic, and a token for each scope.
 *
 * A BerthRemoteCall is one request with everything that it needs: it is probing, sent, challenged,
 * waiting for a token, or waiting to be sent again. It frees itself after done. Several calls may
 * be under way, so a 401 may refer to a token that another call has replaced in the meantime.
 */

#include "fetch/remote.h"

#include "base/names.h"

#include "base/document.h"
#include "fetch/token.h"

#include <arpa/inet.h>
#include <string.h>

enum { MAX_CHALLENGES = 5, MAX_MESSAGE_BYTES = 300 };

struct BerthRemote {
    sd_event *event;
    BerthHttp *http;
    char *locator, *host, *path;
    BerthTls tls;
    bool may_be_plain;  /* loopback, or insecure */
    const char *scheme; /* NULL until known */
    BerthCredentials *credentials;
    bool uses_basic;
    bool was_asked_for_challenge; /* by a request to /v2/, without a token as the result so far */
    GHashTable *tokens;           /* additionally requested scope, or "" → BerthToken */
    GPtrArray *warnings;          /* texts, each once */
};

struct BerthRemoteCall {
    BerthRemote *remote;
    char *path, *scope;
    char *strings[6];
    BerthHttpOptions options; /* its strings are those above */
    BerthHttpDone done;
    void *userdata;
    BerthRequest *request; /* the current request, whose body goes to the sink */
    sd_event_source *delay;
    unsigned challenges, retries;
    bool was_identified; /* sent with a token or the user name */
    bool wants_basic;    /* its last challenge was one of Basic */
    bool was_basic;      /* sent with the user name; other calls may have been sent without it */
    bool asked_root;     /* its reply was no challenge, and /v2/ was asked for one */
    bool is_elsewhere;   /* sent to another host, which the registry has named */
};

static void remote_send_request(BerthRemoteCall *call);

BerthRemote *berth_remote_new(sd_event *event, BerthHttp *http, const BerthEndpoint *endpoint) {
    BerthRemote *remote = g_new0(BerthRemote, 1);
    bool is_docker = g_str_equal(endpoint->host, "docker.io");

    remote->event = event;
    remote->http = http;
    remote->locator = g_strdup(endpoint->locator);
    /* "docker.io" in a reference is just a name; the registry itself is another host. */
    remote->host = g_strdup(is_docker ? "registry-1.docker.io" : endpoint->host);
    remote->path = g_strdup(endpoint->path);
    remote->tls.insecure = endpoint->insecure;
    remote->tls.host = remote->host;
    remote->may_be_plain = endpoint->insecure || berth_name_is_loopback(endpoint->host);
    remote->scheme = remote->may_be_plain ? NULL : "https";
    remote->tokens =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)berth_token_free);
    remote->warnings = g_ptr_array_new_with_free_func(g_free);
    return remote;
}

void berth_remote_set_identity(BerthRemote *remote, BerthCredentials *credentials,
                               const BerthTls *tls) {
    remote->credentials = credentials;
    remote->tls.authorities = tls->authorities;
    remote->tls.certificate = tls->certificate;
    remote->tls.key = tls->key;
    /* Certificates are for TLS: plain HTTP is then not tried, unless the endpoint is insecure. */
    if ((tls->authorities || tls->certificate) && !remote->tls.insecure)
        remote->scheme = "https";
}

const char *berth_remote_get_locator(BerthRemote *remote) {
    return remote->locator;
}

const char *berth_remote_get_host(BerthRemote *remote) {
    return remote->host;
}

const GPtrArray *berth_remote_get_warnings(BerthRemote *remote) {
    return remote->warnings;
}

/* Ends the call and frees it. */
static void request_finish(BerthRemoteCall *call, const BerthResponse *response,
                           const GError *error) {
    call->request = NULL;
    call->done(response, error, call->userdata);
    for (size_t i = 0; i < G_N_ELEMENTS(call->strings); i++)
        g_free(call->strings[i]);
    if (call->delay)
        sd_event_source_disable_unref(call->delay);
    g_free(call->path);
    g_free(call->scope);
    g_free(call);
}

/* The message in a registry's error document (distribution specification, "Error Codes"), cut to
 * fit on one line. Some registries have "details" or "message" at the top level instead. */
static char *read_message(const GString *body) {
    g_autoptr(json_object) root = berth_document_parse(body->str, body->len, NULL);
    const char *message = NULL, *details = NULL;
    json_object *errors, *first = NULL;

    if (!root)
        return NULL;
    if (berth_document_get_array(root, "errors", &errors, NULL) && errors &&
        json_object_array_length(errors) > 0)
        first = json_object_array_get_idx(errors, 0);
    if (json_object_is_type(first, json_type_object)) {
        berth_document_get_string(first, "message", &message, NULL);
        if (!message)
            berth_document_get_string(first, "code", &message, NULL);
    } else {
        berth_document_get_string(root, "details", &details, NULL);
        berth_document_get_string(root, "message", &message, NULL);
    }
    const char *text = message ? message : details;
    if (!text)
        return NULL;
    g_autofree char *line = g_strndup(text, MAX_MESSAGE_BYTES);
    for (char *c = line; *c; c++)
        if (g_ascii_iscntrl(*c))
            *c = ' ';
    /* It may have been cut in the middle of a character. */
    return g_utf8_make_valid(line, -1);
}

void berth_remote_set_status_error(BerthRemote *remote, const char *path,
                                   const BerthResponse *response, GError **error) {
    g_autofree char *message = read_message(response->body);
    BerthErrorCode code = response->status == 404 ? BERTH_ERROR_NOT_FOUND
                          : response->status == 401 || response->status == 403
                              ? BERTH_ERROR_UNAUTHORIZED
                              : BERTH_ERROR_REGISTRY_FAILED;

    berth_error_set(error, code, "%s: the registry answered %ld to %s%s%s", remote->locator,
                    response->status, path, message ? ": " : "", message ? message : "");
}

static const char *token_key(const BerthRemoteCall *call) {
    return call->scope ? call->scope : "";
}

/* The table takes ownership of the token. If another call has stored one for the same scope in the
 * meantime, the newer one replaces it. */
static void on_token(BerthToken *token, const GError *error, void *userdata) {
    BerthRemoteCall *call = userdata;

    if (error && call->asked_root && !call->remote->credentials) {
        /* Nothing is to be had without credentials: the registry's own reply counts. */
        remote_send_request(call);
        return;
    }
    if (error) {
        request_finish(call, NULL, error);
        return;
    }
    g_hash_table_replace(call->remote->tokens, g_strdup(token_key(call)), token);
    /* It expires, or is for another scope than the next call's: /v2/ is then asked again. */
    call->remote->was_asked_for_challenge = false;
    remote_send_request(call);
}

static bool answer_basic(BerthRemoteCall *call, const BerthResponse *response, GError **error) {
    BerthRemote *remote = call->remote;

    /* An identity token is of no use here. What the registry said of the object itself counts. */
    if (call->asked_root && remote->credentials && !remote->credentials->username) {
        remote_send_request(call);
        return true;
    }
    /* If this call already sent the credentials, they were refused. */
    if (!remote->credentials || !remote->credentials->username || call->was_basic) {
        berth_remote_set_status_error(remote, call->path, response, error);
        return false;
    }
    remote->uses_basic = true;
    /* Some registries want Basic although they have issued a token, for all or some objects. */
    call->wants_basic = true;
    g_hash_table_remove(remote->tokens, token_key(call));
    remote_send_request(call);
    return true;
}

/* The scope to use for a challenge that has none; NULL if the request does not concern a
 * repository. */
static char *make_scope(const BerthRemoteCall *call) {
    bool reads =
        g_str_equal(call->options.method, "GET") || g_str_equal(call->options.method, "HEAD");

    return call->path[0] == '/' ? NULL
                                : g_strconcat("repository:", call->remote->path,
                                              reads ? ":pull" : ":pull,push", NULL);
}

/* Returns true if the request has been sent again, or a token requested. False with error: the call
 * must end. */
static bool answer_challenge(BerthRemoteCall *call, const BerthResponse *response, GError **error) {
    BerthRemote *remote = call->remote;
    g_autofree char *scope = make_scope(call);
    g_autoptr(BerthChallenge) challenge = berth_challenge_parse(response->challenge, scope, error);

    if (!challenge) {
        g_prefix_error(error, "%s: ", remote->locator);
        return false;
    }
    if (challenge->is_basic)
        return answer_basic(call, response, error);
    call->wants_basic = false;
    const BerthTokenRequest request = {
        .event = remote->event,
        .http = remote->http,
        .locator = remote->locator,
        .challenge = challenge,
        .more_scope = call->scope,
        .credentials = remote->credentials,
        .tls = &remote->tls,
        .may_be_plain = remote->may_be_plain,
    };
    return berth_token_request(&request, on_token, call, error);
}

static int on_request_delay(sd_event_source *source, uint64_t usec, void *userdata) {
    BerthRemoteCall *call = userdata;

    (void)usec;
    call->delay = NULL;
    sd_event_source_unref(source);
    remote_send_request(call);
    return 0;
}

/* Sends the request again later, if that may help. This repeats neither an upload nor a body of
 * which a sink may have taken a part: pusher.c and fetcher.c continue these at an offset. */
static bool request_try_again(BerthRemoteCall *call, const BerthResponse *response,
                              const GError *error) {
    uint64_t delay_usec;

    return !call->options.uploads && !(error && call->options.sink) &&
           berth_http_get_retry_delay(response, error, &call->retries, &delay_usec) &&
           sd_event_add_time_relative(call->remote->event, &call->delay, CLOCK_MONOTONIC,
                                      delay_usec, BERTH_HTTP_TIMER_ACCURACY_USEC, on_request_delay,
                                      call) >= 0;
}

/* A registry repeats its warning with each response; it is recorded once. */
static void remote_record_warnings(BerthRemote *remote, const BerthResponse *response) {
    g_auto(GStrv) lines = g_strsplit(response->warnings, "\n", -1);

    for (char **line = lines; *line; line++)
        if ((*line)[0] &&
            !g_ptr_array_find_with_equal_func(remote->warnings, *line, g_str_equal, NULL))
            g_ptr_array_add(remote->warnings, g_strdup(*line));
}

/* A registry may reply to a request without a token with 403 or 404 instead of a challenge, for
 * images that are not for everybody or, at some registries, for all. Then /v2/ is asked for a
 * challenge, as docker does before each pull; there are tokens for anonymous users, too. */
static bool needs_challenge(const BerthRemoteCall *call, const BerthResponse *response) {
    const BerthRemote *remote = call->remote;

    return !remote->was_asked_for_challenge && !call->was_identified && !call->options.uploads &&
           !strstr(call->path, "://") &&
           (response->status == 403 || response->status == 404 ||
            (response->status == 401 && !response->challenge[0]));
}

/* Another host must not choose the token server, which receives the credentials. */
static bool has_challenge(const BerthRemoteCall *call, const BerthResponse *response) {
    return response->status == 401 && response->challenge[0] && !call->is_elsewhere;
}

/* Without a challenge that can be answered, the repeated request gets the same reply as before,
 * which then counts. */
static void on_challenge_of_root(const BerthResponse *response, const GError *error,
                                 void *userdata) {
    BerthRemoteCall *call = userdata;
    g_autoptr(GError) local = NULL;

    if (error || !has_challenge(call, response) ||
        (!answer_challenge(call, response, &local) && !call->remote->credentials))
        remote_send_request(call);
    else if (local)
        request_finish(call, response, local);
}

static void ask_for_challenge(BerthRemoteCall *call) {
    BerthRemote *remote = call->remote;
    g_autofree char *url = g_strconcat(remote->scheme, "://", remote->host, "/v2/", NULL);
    const BerthHttpOptions options = {.url = url, .method = "GET", .tls = &remote->tls};

    remote->was_asked_for_challenge = true;
    call->asked_root = true;
    berth_http_send(remote->http, &options, on_challenge_of_root, call);
}

/* The number of challenges is limited: a registry that refuses every token would be asked forever.
 */
static void on_request_response(const BerthResponse *response, const GError *error,
                                void *userdata) {
    BerthRemoteCall *call = userdata;
    g_autoptr(GError) local = NULL;

    call->request = NULL;
    if (!error)
        remote_record_warnings(call->remote, response);
    if (request_try_again(call, response, error))
        return;
    if (!error && needs_challenge(call, response)) {
        ask_for_challenge(call);
        return;
    }
    /* Only callers that resume by themselves receive the transient error, which is not a
     * BERTH_ERROR. */
    if (error && berth_http_is_transient(error) && !call->options.sink && !call->options.uploads) {
        berth_error_set(&local, BERTH_ERROR_REGISTRY_FAILED, "%s", error->message);
        request_finish(call, response, local);
    } else if (error || !has_challenge(call, response)) {
        /* Without a challenge there is nothing to answer (RFC 9110, section 15.5.2, requires one).
         */
        request_finish(call, response, error);
    } else if (++call->challenges >= MAX_CHALLENGES) {
        berth_remote_set_status_error(call->remote, call->path, response, &local);
        request_finish(call, response, local);
    } else if (!answer_challenge(call, response, &local)) {
        request_finish(call, response, local);
    }
}

/* A request's userdata is the call; the sink's is the caller's. */
static bool pass_to_sink(const BerthResponse *response, const char *data, size_t size, bool *pause,
                         void *userdata, GError **error) {
    BerthRemoteCall *call = userdata;

    return call->options.sink(response, data, size, pause, call->userdata, error);
}

/* A path with a scheme is the location of an upload or the next page of a list, which the registry
 * has chosen. */
static char *make_remote_url(const BerthRemoteCall *call) {
    const BerthRemote *remote = call->remote;

    if (strstr(call->path, "://"))
        return g_strdup(call->path);
    if (call->path[0] == '/')
        return g_strconcat(remote->scheme, "://", remote->host, "/v2", call->path, NULL);
    return g_strconcat(remote->scheme, "://", remote->host, "/v2/", remote->path, "/", call->path,
                       NULL);
}

/* Whether a location that the registry has chosen would lead from HTTPS to HTTP. */
static bool is_downgrade(const BerthRemote *remote, const char *url) {
    return g_str_has_prefix(url, "http:") && !g_str_equal(remote->scheme, "http") &&
           !remote->tls.insecure;
}

/* Credentials are only sent to the registry itself. The location of an upload and the next page of
 * a list may be on another host. http.c restricts the client certificate to the host that it is
 * for. */
static void add_identity(BerthRemoteCall *call, const char *url, BerthHttpOptions *options) {
    BerthRemote *remote = call->remote;
    g_autofree char *host = berth_http_get_host(url);

    options->tls = &remote->tls;
    call->is_elsewhere = g_strcmp0(host, remote->host) != 0;
    if (call->is_elsewhere)
        return;
    BerthToken *token =
        call->wants_basic ? NULL : g_hash_table_lookup(remote->tokens, token_key(call));
    call->was_identified = true;
    if (token && berth_token_is_fresh(token))
        options->token = token->text;
    else if (remote->credentials && remote->credentials->registry_token && !call->wants_basic)
        options->token = remote->credentials->registry_token;
    else if (remote->uses_basic) {
        call->was_basic = true;
        options->user = remote->credentials->username;
        options->password = remote->credentials->password;
    } else {
        call->was_identified = false;
    }
}

static int on_refused(sd_event_source *source, void *userdata) {
    BerthRemoteCall *call = userdata;
    g_autoptr(GError) error = NULL;

    call->delay = NULL;
    sd_event_source_unref(source);
    berth_error_set(&error, BERTH_ERROR_REGISTRY_FAILED,
                    "%s: the registry continues at \"%.100s\", which is not HTTPS",
                    call->remote->locator, call->path);
    request_finish(call, NULL, error);
    return 0;
}

/* Neither the content of a push nor the names in a list are sent without encryption. The call ends
 * in the next iteration of the loop: its caller has not received it yet. */
static void refuse_downgrade(BerthRemoteCall *call) {
    if (sd_event_add_defer(call->remote->event, &call->delay, on_refused, call) < 0)
        g_error("out of memory");
}

static void send_to_repository(BerthRemoteCall *call) {
    g_autofree char *url = make_remote_url(call);
    BerthHttpOptions options = call->options;

    if (is_downgrade(call->remote, url)) {
        refuse_downgrade(call);
        return;
    }
    options.url = url;
    add_identity(call, url, &options);
    if (options.sink)
        options.sink = pass_to_sink;
    call->request = berth_http_send(call->remote->http, &options, on_request_response, call);
}

/* The probe for hosts that may use plain HTTP: a server that speaks TLS answers it with 400 or not
 * at all. */
static void on_probe(const BerthResponse *response, const GError *error, void *userdata) {
    BerthRemoteCall *call = userdata;

    if (error && !berth_http_is_transient(error)) {
        request_finish(call, response, error);
        return;
    }
    call->remote->scheme = error || response->status == 400 ? "https" : "http";
    send_to_repository(call);
}

/* Calls that begin while another call is probing probe as well. */
static void remote_send_request(BerthRemoteCall *call) {
    BerthRemote *remote = call->remote;

    if (remote->scheme) {
        send_to_repository(call);
        return;
    }
    g_autofree char *url = g_strconcat("http://", remote->host, "/v2/", NULL);
    berth_http_send(remote->http,
                    &(BerthHttpOptions){.url = url, .method = "GET", .tls = &remote->tls}, on_probe,
                    call);
}

BerthRemoteCall *berth_remote_send(BerthRemote *remote, const char *path, const char *scope,
                                   const BerthHttpOptions *options, BerthHttpDone done,
                                   void *userdata) {
    BerthRemoteCall *call = g_new0(BerthRemoteCall, 1);
    const char **const strings[] = {&call->options.method, &call->options.accept,
                                    &call->options.content_type, &call->options.content_range,
                                    &call->options.text};

    call->remote = remote;
    call->path = g_strdup(path);
    call->scope = g_strdup(scope);
    call->options = *options;
    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++)
        *strings[i] = call->strings[i] = g_strdup(*strings[i]);
    call->done = done;
    call->userdata = userdata;
    remote_send_request(call);
    return call;
}

void berth_remote_resume(BerthRemoteCall *call) {
    if (call->request)
        berth_request_resume(call->request);
}
