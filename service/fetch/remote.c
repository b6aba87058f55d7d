/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fetch/remote.h"

#include "base/document.h"
#include "fetch/challenge.h"

#include <arpa/inet.h>
#include <string.h>

enum { MAX_TRIES = 5, MAX_MESSAGE_BYTES = 300, MAX_TOKEN_BYTES = 64 * 1024 };

struct BerthRemote {
    sd_event *event;
    BerthHttp *http;
    char *locator, *host, *path;
    bool insecure;
    bool may_be_plain;  /* loopback, or insecure */
    const char *scheme; /* NULL until known */
    char *token;
};

struct BerthRemoteCall {
    BerthRemote *remote;
    char *path, *method, *accept;
    BerthHttpOptions options; /* its strings are those above */
    BerthHttpDone done;
    void *userdata;
    BerthRequest *request; /* the one under way with the sink */
    unsigned tries;
};

static void send_request(BerthRemoteCall *call);

static bool is_loopback(const char *host) {
    g_autofree char *name = g_strdup(host);
    struct in_addr v4;
    struct in6_addr v6;

    if (name[0] == '[') {
        char *end = strchr(name, ']');
        if (end)
            *end = '\0';
        return inet_pton(AF_INET6, name + 1, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    }
    name[strcspn(name, ":")] = '\0';
    if (g_ascii_strcasecmp(name, "localhost") == 0)
        return true;
    return inet_pton(AF_INET, name, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

BerthRemote *berth_remote_new(sd_event *event, BerthHttp *http, const BerthReference *reference,
                              bool insecure) {
    BerthRemote *remote = g_new0(BerthRemote, 1);
    bool is_docker = g_str_equal(reference->host, "docker.io");

    remote->event = event;
    remote->http = http;
    remote->locator = g_strdup(reference->locator);
    remote->host = g_strdup(is_docker ? "registry-1.docker.io" : reference->host);
    remote->path = g_strdup(reference->path);
    remote->insecure = insecure;
    remote->may_be_plain = insecure || is_loopback(reference->host);
    remote->scheme = remote->may_be_plain ? NULL : "https";
    return remote;
}

void berth_remote_free(BerthRemote *remote) {
    if (!remote)
        return;
    g_free(remote->locator);
    g_free(remote->host);
    g_free(remote->path);
    g_free(remote->token);
    g_free(remote);
}

const char *berth_remote_get_locator(BerthRemote *remote) {
    return remote->locator;
}

/* Finishes the call; it is gone afterwards. */
static void finish(BerthRemoteCall *call, const BerthResponse *response, const GError *error) {
    call->request = NULL;
    call->done(response, error, call->userdata);
    g_free(call->path);
    g_free(call->method);
    g_free(call->accept);
    g_free(call);
}

/* The message of a registry's error document, cut to what fits into one line. */
static char *read_message(const GString *body) {
    g_autoptr(JsonNode) root = berth_document_parse(body->str, body->len, NULL);
    const char *message = NULL, *details = NULL;
    JsonArray *errors;

    if (!root)
        return NULL;
    JsonObject *object = json_node_get_object(root);
    if (berth_document_get_array(object, "errors", &errors, NULL) && errors &&
        json_array_get_length(errors) > 0 &&
        JSON_NODE_HOLDS_OBJECT(json_array_get_element(errors, 0))) {
        object = json_array_get_object_element(errors, 0);
        berth_document_get_string(object, "message", &message, NULL);
        if (!message)
            berth_document_get_string(object, "code", &message, NULL);
    } else {
        berth_document_get_string(object, "details", &details, NULL);
        berth_document_get_string(object, "message", &message, NULL);
    }
    const char *text = message ? message : details;
    if (!text)
        return NULL;
    char *line = g_strndup(text, MAX_MESSAGE_BYTES);
    return g_strdelimit(line, "\r\n\t", ' ');
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

static bool take_token(BerthRemote *remote, const BerthResponse *response, GError **error) {
    g_autoptr(JsonNode) root =
        response->status == 200
            ? berth_document_parse(response->body->str, response->body->len, NULL)
            : NULL;
    const char *token = NULL;

    if (root && berth_document_get_string(json_node_get_object(root), "token", &token, NULL) &&
        !token)
        berth_document_get_string(json_node_get_object(root), "access_token", &token, NULL);
    bool usable = token && token[0] && strlen(token) < MAX_TOKEN_BYTES;
    for (const char *c = token; usable && *c; c++)
        usable = g_ascii_isgraph(*c);
    if (!usable)
        return berth_error_set(error, BERTH_ERROR_UNAUTHORIZED,
                               "%s: the token server answered %ld without a token", remote->locator,
                               response->status);
    g_free(remote->token);
    remote->token = g_strdup(token);
    return true;
}

static void on_token(const BerthResponse *response, const GError *error, void *userdata) {
    BerthRemoteCall *call = userdata;
    g_autoptr(GError) local = NULL;

    if (error) {
        finish(call, response, error);
    } else if (!take_token(call->remote, response, &local)) {
        finish(call, response, local);
    } else {
        send_request(call);
    }
}

/* Asks the server of the challenge for an anonymous token. */
static bool request_token(BerthRemoteCall *call, const BerthResponse *response, GError **error) {
    BerthRemote *remote = call->remote;
    g_autoptr(BerthChallenge) challenge = berth_challenge_parse(response->challenge, error);

    if (!challenge) {
        g_prefix_error(error, "%s: ", remote->locator);
        return false;
    }
    bool plain = g_str_has_prefix(challenge->realm, "http://");
    if (!(plain && remote->may_be_plain) && !g_str_has_prefix(challenge->realm, "https://"))
        return berth_error_set(error, BERTH_ERROR_UNAUTHORIZED,
                               "%s: the token server %.200s does not speak HTTPS", remote->locator,
                               challenge->realm);
    g_autofree char *service = g_uri_escape_string(challenge->service, NULL, FALSE);
    g_autofree char *scope = g_uri_escape_string(challenge->scope, NULL, FALSE);
    g_autofree char *url = g_strconcat(challenge->realm, strchr(challenge->realm, '?') ? "&" : "?",
                                       "service=", service, "&scope=", scope, NULL);
    berth_http_send(remote->http,
                    &(BerthHttpOptions){.url = url, .method = "GET", .insecure = remote->insecure},
                    on_token, call);
    return true;
}

static void on_response(const BerthResponse *response, const GError *error, void *userdata) {
    BerthRemoteCall *call = userdata;
    g_autoptr(GError) local = NULL;

    call->request = NULL;
    if (error || response->status != 401) {
        finish(call, response, error);
    } else if (call->tries >= MAX_TRIES) {
        berth_remote_set_status_error(call->remote, call->path, response, &local);
        finish(call, response, local);
    } else if (!request_token(call, response, &local)) {
        finish(call, response, local);
    }
}

/* A request's userdata is the call; the sink's is the caller's. */
static bool pass_to_sink(const BerthResponse *response, const char *data, size_t size, bool *pause,
                         void *userdata, GError **error) {
    BerthRemoteCall *call = userdata;

    return call->options.sink(response, data, size, pause, call->userdata, error);
}

static void send_to_repository(BerthRemoteCall *call) {
    BerthRemote *remote = call->remote;
    g_autofree char *url = g_strconcat(remote->scheme, "://", remote->host, "/v2/", remote->path,
                                       "/", call->path, NULL);
    BerthHttpOptions options = call->options;

    options.url = url;
    options.token = remote->token;
    options.insecure = remote->insecure;
    if (options.sink)
        options.sink = pass_to_sink;
    call->tries++;
    call->request = berth_http_send(remote->http, &options, on_response, call);
}

/* A server that speaks TLS answers plain HTTP with 400 or not at all. */
static void on_probe(const BerthResponse *response, const GError *error, void *userdata) {
    BerthRemoteCall *call = userdata;

    if (error && !berth_http_is_transient(error)) {
        finish(call, response, error);
        return;
    }
    call->remote->scheme = error || response->status == 400 ? "https" : "http";
    send_to_repository(call);
}

static void send_request(BerthRemoteCall *call) {
    BerthRemote *remote = call->remote;

    if (remote->scheme) {
        send_to_repository(call);
        return;
    }
    g_autofree char *url = g_strconcat("http://", remote->host, "/v2/", NULL);
    berth_http_send(remote->http,
                    &(BerthHttpOptions){.url = url, .method = "GET", .insecure = remote->insecure},
                    on_probe, call);
}

BerthRemoteCall *berth_remote_send(BerthRemote *remote, const char *path,
                                   const BerthHttpOptions *options, BerthHttpDone done,
                                   void *userdata) {
    BerthRemoteCall *call = g_new0(BerthRemoteCall, 1);

    call->remote = remote;
    call->path = g_strdup(path);
    call->method = g_strdup(options->method);
    call->accept = g_strdup(options->accept);
    call->options = *options;
    call->options.method = call->method;
    call->options.accept = call->accept;
    call->done = done;
    call->userdata = userdata;
    send_request(call);
    return call;
}

void berth_remote_resume(BerthRemoteCall *call) {
    if (call->request)
        berth_request_resume(call->request);
}
