/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Question asks one token server and frees itself after done: with GET, which all servers
 * support, or with POST, which takes a refresh token and is tried if GET is refused. A token
 * belongs to the remote that asked and is used until shortly before it expires. It is erased when
 * it is freed.
 */

#include "fetch/token.h"

#include "base/document.h"

#include <string.h>

enum {
    MAX_TOKEN_BYTES = 64 * 1024,
    DEFAULT_LIFETIME_SECONDS = 60, /* the specification's default if the server states none */
    MARGIN_SECONDS = 5,
};

typedef struct {
    char *locator;
    BerthTokenDone done;
    void *userdata;
    /* A server that does not support GET is asked with POST. */
    BerthTokenRequest request;
    char *url, *form;
    bool posted;
    unsigned retries;
    sd_event_source *delay;
} TokenExchange;

static void ask_for_token(TokenExchange *question);

void berth_token_free(BerthToken *token) {
    if (!token)
        return;
    explicit_bzero(token->text, strlen(token->text));
    g_free(token->text);
    g_free(token);
}

bool berth_token_is_fresh(const BerthToken *token) {
    return g_get_monotonic_time() < token->expires_usec;
}

BerthToken *berth_token_read(const char *data, size_t size, GError **error) {
    g_autoptr(json_object) object = berth_document_parse(data, size, NULL);
    const char *text = NULL;
    uint64_t lifetime = 0;

    /* The specification has both members; some servers send both, one of them empty. */
    if (object)
        berth_document_get_string(object, "token", &text, NULL);
    if (object && (!text || text[0] == '\0'))
        berth_document_get_string(object, "access_token", &text, NULL);
    if (object)
        berth_document_get_size(object, "expires_in", &lifetime, NULL);
    /* The token becomes part of a header. */
    bool usable = text && text[0] && strlen(text) < MAX_TOKEN_BYTES;
    for (const char *c = text; usable && *c; c++)
        usable = g_ascii_isgraph(*c);
    if (!usable) {
        berth_error_set(error, BERTH_ERROR_UNAUTHORIZED, "the token server gave no usable token");
        return NULL;
    }
    BerthToken *token = g_new0(BerthToken, 1);
    token->text = g_strdup(text);
    lifetime = CLAMP(lifetime, DEFAULT_LIFETIME_SECONDS, 24 * 3600);
    token->expires_usec =
        g_get_monotonic_time() + (int64_t)(lifetime - MARGIN_SECONDS) * G_USEC_PER_SEC;
    return token;
}

/* The form may contain a password, so it is erased. */
static void free_question(TokenExchange *question) {
    sd_event_source_disable_unref(question->delay);
    if (question->form)
        explicit_bzero(question->form, strlen(question->form));
    g_free(question->form);
    g_free(question->url);
    g_free(question->locator);
    g_free(question);
}

static void token_finish(TokenExchange *question, BerthToken *token, const GError *error) {
    question->done(token, error, question->userdata);
    free_question(question);
}

/* Some token servers only implement the OAuth2 interface (distribution project, "OAuth2 token
 * authentication"). */
static bool has_no_get(const TokenExchange *question, const BerthResponse *response) {
    return !question->posted && question->form &&
           (response->status == 404 || response->status == 405);
}

static int on_token_delay(sd_event_source *source, uint64_t usec, void *userdata) {
    TokenExchange *question = userdata;

    (void)usec;
    question->delay = NULL;
    sd_event_source_unref(source);
    ask_for_token(question);
    return 0;
}

/* As for requests to registries: only if the server is overloaded or the connection broke. */
static bool token_try_again(TokenExchange *question, const BerthResponse *response,
                            const GError *error) {
    uint64_t delay_usec;

    return berth_http_get_retry_delay(response, error, &question->retries, &delay_usec) &&
           sd_event_add_time_relative(question->request.event, &question->delay, CLOCK_MONOTONIC,
                                      delay_usec, BERTH_HTTP_TIMER_ACCURACY_USEC, on_token_delay,
                                      question) >= 0;
}

static void on_token_response(const BerthResponse *response, const GError *error, void *userdata) {
    TokenExchange *question = userdata;
    g_autoptr(GError) local = NULL;
    BerthToken *token = NULL;

    if (token_try_again(question, response, error))
        return;
    if (error) {
        berth_error_set(&local, BERTH_ERROR_REGISTRY_FAILED, "%s: the token server: %s",
                        question->locator, error->message);
    } else if (has_no_get(question, response)) {
        question->posted = true;
        ask_for_token(question);
        return;
    } else if (response->status >= 200 && response->status <= 299) {
        token = berth_token_read(response->body->str, response->body->len, &local);
        if (!token)
            g_prefix_error(&local, "%s: ", question->locator);
    } else {
        bool refused =
            response->status == 400 || response->status == 401 || response->status == 403;
        berth_error_set(&local, refused ? BERTH_ERROR_UNAUTHORIZED : BERTH_ERROR_REGISTRY_FAILED,
                        "%s: the token server answered %ld", question->locator, response->status);
    }
    token_finish(question, token, local);
}

/* The value is escaped, so that nothing in it begins another parameter. */
static void add_parameter(GString *text, char joiner, const char *name, const char *value) {
    g_autofree char *escaped = g_uri_escape_string(value, NULL, FALSE);

    if (text->len > 0)
        g_string_append_c(text, joiner);
    g_string_append_printf(text, "%s=%s", name, escaped);
}

/* The challenge may already contain it. */
static bool adds_scope(const BerthTokenRequest *request) {
    const char *scope = request->challenge->scope;

    return scope && request->more_scope && !strstr(scope, request->more_scope);
}

/* Each in a parameter of its own: only some servers split the value at blanks. */
static void add_scopes(GString *query, const BerthTokenRequest *request) {
    const char *scope = request->challenge->scope;
    g_auto(GStrv) scopes = g_strsplit(scope ? scope : "", " ", -1);

    for (char **each = scopes; *each; each++)
        if (**each)
            add_parameter(query, '&', "scope", *each);
    if (adds_scope(request))
        add_parameter(query, '&', "scope", request->more_scope);
}

/* The URL for GET (distribution project, "Token authentication specification"). The realm may
 * already have a query. A fragment is not part of a request (RFC 9110, section 7.1), but would take
 * in the parameters. */
static char *make_token_url(const BerthTokenRequest *request) {
    const BerthChallenge *challenge = request->challenge;
    g_autoptr(GString) query = g_string_new(NULL);

    if (challenge->service[0])
        add_parameter(query, '&', "service", challenge->service);
    add_scopes(query, request);
    if (request->credentials && request->credentials->username)
        add_parameter(query, '&', "account", request->credentials->username);
    g_autofree char *realm = g_strndup(challenge->realm, strcspn(challenge->realm, "#"));
    /* In lower case, as g_uri_peek_scheme() returns it: others compare it with "http:". */
    const char *scheme = g_uri_peek_scheme(realm);
    return g_strconcat(scheme, realm + strlen(scheme), strchr(realm, '?') ? "&" : "?", query->str,
                       NULL);
}

/* The form for POST; NULL without credentials. */
static char *make_form(const BerthTokenRequest *request) {
    const BerthCredentials *credentials = request->credentials;
    const BerthChallenge *challenge = request->challenge;
    g_autoptr(GString) form = g_string_new(NULL);
    g_autofree char *scope = adds_scope(request)
                                 ? g_strconcat(challenge->scope, " ", request->more_scope, NULL)
                                 : g_strdup(challenge->scope);

    if (!credentials || (!credentials->identity_token && !credentials->username))
        return NULL;
    add_parameter(form, '&', "client_id", "berth");
    add_parameter(form, '&', "service", challenge->service);
    if (scope)
        add_parameter(form, '&', "scope", scope);
    add_parameter(form, '&', "grant_type",
                  credentials->identity_token ? "refresh_token" : "password");
    if (credentials->identity_token) {
        add_parameter(form, '&', "refresh_token", credentials->identity_token);
    } else {
        add_parameter(form, '&', "username", credentials->username);
        add_parameter(form, '&', "password", credentials->password);
    }
    return g_string_free(g_steal_pointer(&form), FALSE);
}

static void ask_for_token(TokenExchange *question) {
    const BerthTokenRequest *request = &question->request;
    const BerthCredentials *credentials = request->credentials;
    g_autofree char *bare = g_strndup(question->url, strcspn(question->url, "?"));
    BerthHttpOptions options = {
        .url = question->posted ? bare : question->url,
        .method = question->posted ? "POST" : "GET",
        .text = question->posted ? question->form : NULL,
        .content_type = question->posted ? "application/x-www-form-urlencoded" : NULL,
        .user = !question->posted && credentials ? credentials->username : NULL,
        .password = !question->posted && credentials ? credentials->password : NULL,
        .tls = request->tls,
    };

    berth_http_send(request->http, &options, on_token_response, question);
}

bool berth_token_request(const BerthTokenRequest *request, BerthTokenDone done, void *userdata,
                         GError **error) {
    const char *realm = request->challenge->realm;
    const char *scheme = g_uri_peek_scheme(realm);
    bool plain = g_strcmp0(scheme, "http") == 0;

    /* The registry chooses the realm, which receives the credentials. */
    if (!(plain && request->may_be_plain) && g_strcmp0(scheme, "https") != 0)
        return berth_error_set(error, BERTH_ERROR_UNAUTHORIZED,
                               "%s: the token server %.200s does not speak HTTPS", request->locator,
                               realm);
    TokenExchange *question = g_new0(TokenExchange, 1);
    question->locator = g_strdup(request->locator);
    question->done = done;
    question->userdata = userdata;
    /* The caller owns what it points to. The challenge is gone after this returns; url and form
     * keep what is needed of it. */
    question->request = *request;
    question->url = make_token_url(request);
    question->form = make_form(request);
    /* An identity token can only be used with POST. */
    question->posted = request->credentials && request->credentials->identity_token;
    ask_for_token(question);
    return true;
}
