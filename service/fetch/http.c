/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One libcurl multi handle, driven by sd-event: libcurl says which sockets and timer it wants, and
 * the loop calls back. A BerthRequest belongs to the BerthHttp from berth_http_send() until done
 * has been called, and is one easy handle, which is sending, receiving, paused by its sink, or
 * redirected, which starts the same handle again.
 *
 * Callbacks of libcurl must not remove handles. A failure inside one is stored in request->error
 * and ends the transfer; the request is freed when libcurl reports that it has finished.
 */

#include "fetch/http-private.h"

#include <gnutls/x509.h>
#include <string.h>

/* With the default accuracy, sd-event may delay a timer by 250 ms (sd_event_add_time(3)); libcurl's
 * are often due at once. */
#define TIMER_ACCURACY_USEC 1

enum {
    MAX_REDIRECTS = 10, /* the limit of Go's HTTP client, which other container tools use */
    MAX_RETRIES = 3,
    FIRST_DELAY_MSEC = 200,
    MAX_DELAY_SECONDS = 60,
};

static GQuark transient_quark(void) {
    return g_quark_from_static_string("berth-transient");
}

bool berth_http_is_transient(const GError *error) {
    return error->domain == transient_quark();
}

/* After a longer wait, it is up to the user to try again. */
bool berth_http_extend_delay(const BerthResponse *response, uint64_t *delay_usec) {
    if (response->retry_after >= 0)
        *delay_usec = MAX(*delay_usec, (uint64_t)response->retry_after * G_USEC_PER_SEC);
    return *delay_usec <= (uint64_t)MAX_DELAY_SECONDS * G_USEC_PER_SEC;
}

bool berth_http_get_retry_delay(const BerthResponse *response, const GError *error,
                                unsigned *retries, uint64_t *delay_usec) {
    bool overloaded =
        !error && (response->status == 408 || response->status == 429 || response->status >= 500);
    uint64_t usec = (uint64_t)FIRST_DELAY_MSEC * 1000 << *retries;

    if (!(overloaded || (error && berth_http_is_transient(error))) || *retries >= MAX_RETRIES)
        return false;
    if (overloaded && !berth_http_extend_delay(response, &usec))
        return false;
    (*retries)++;
    *delay_usec = usec;
    return true;
}

/* The i-th string member of the options; NULL after the last one. A request copies and frees each
 * of them, so a new member has to be added here. */
static char **option_strings(BerthHttpOptions *options, size_t i) {
    const char **const strings[] = {
        &options->url,          &options->method,        &options->accept,
        &options->token,        &options->user,          &options->password,
        &options->content_type, &options->content_range, &options->text,
    };

    return i < G_N_ELEMENTS(strings) ? (char **)strings[i] : NULL;
}

/* Removes the handle, so it must not be called from a callback of libcurl. */
static void free_request(BerthRequest *request) {
    curl_multi_remove_handle(request->http->multi, request->easy);
    curl_easy_cleanup(request->easy);
    curl_slist_free_all(request->headers);
    berth_response_clear(&request->response);
    for (size_t i = 0; option_strings(&request->options, i); i++)
        g_free(*option_strings(&request->options, i));
    g_free(request->first_host);
    g_clear_error(&request->error);
    g_free(request);
}

/* The errors after which the same request may succeed on another connection. A refused connection
 * or an unacceptable certificate is final. */
static bool is_broken_connection(CURLcode code) {
    switch (code) {
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return true;
    default:
        return false;
    }
}

/* What gnutls rejected about a certificate, which libcurl's message does not say; NULL if the
 * failure is another. */
static const char *explain_certificate(BerthRequest *request, CURLcode code) {
    long flags = 0;

    if (code != CURLE_PEER_FAILED_VERIFICATION)
        return NULL;
    curl_easy_getinfo(request->easy, CURLINFO_SSL_VERIFYRESULT, &flags);
    if (flags & GNUTLS_CERT_EXPIRED)
        return "its certificate has expired";
    if (flags & GNUTLS_CERT_NOT_ACTIVATED)
        return "its certificate is not valid yet; is this machine's clock right?";
    if (flags & GNUTLS_CERT_REVOKED)
        return "its certificate was revoked";
    if (flags & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA))
        return "its certificate was issued by an unknown authority; install that authority's "
               "as ca.crt in /etc/containers/certs.d/HOST[:PORT]";
    return NULL;
}

/* The message already names the host. */
static const char *explain_failure(const BerthRequest *request, CURLcode code) {
    if (code == CURLE_COULDNT_RESOLVE_HOST)
        return "its name cannot be resolved";
    return request->reason[0] ? request->reason : curl_easy_strerror(code);
}

static void set_curl_error(BerthRequest *request, CURLcode code) {
    const char *reason = explain_failure(request, code);
    const char *certificate = explain_certificate(request, code);
    char *url = NULL;

    curl_easy_getinfo(request->easy, CURLINFO_EFFECTIVE_URL, &url);
    g_autofree char *host = berth_http_get_host(url);
    if (is_broken_connection(code))
        g_set_error(&request->error, transient_quark(), 0, "%s: the connection broke: %s",
                    host ? host : "registry", reason);
    else
        berth_error_set(&request->error, BERTH_ERROR_REGISTRY_FAILED,
                        "%s: cannot be reached: %s%s%s", host ? host : "registry",
                        certificate ? certificate : "", certificate ? ": " : "", reason);
}

static void prefix_host(BerthRequest *request) {
    g_autofree char *host = berth_http_get_host(request->options.url);

    g_prefix_error(&request->error, "%s: ", host ? host : "registry");
}

static bool is_redirect(long status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Returns false if the request ends here: the response is not a redirect, is left to the caller, or
 * could not be followed, with an error. After 301, 302 and 303 a client may change the method to
 * GET (RFC 9110 section 15.4), so only reads follow these. */
static bool follow_redirect(BerthRequest *request) {
    BerthHttpOptions *options = &request->options;
    bool plain =
        g_str_has_prefix(options->url, "http:") || (options->tls && options->tls->insecure);
    bool is_read = g_str_equal(options->method, "GET") || g_str_equal(options->method, "HEAD");
    const char *to = request->response.location;

    if (!is_redirect(request->response.status) || to[0] == '\0' ||
        (!is_read && request->response.status < 307))
        return false;
    g_autofree char *host = berth_http_get_host(options->url);
    if (++request->redirects > MAX_REDIRECTS)
        return berth_error_set(&request->error, BERTH_ERROR_REGISTRY_FAILED,
                               "%s: it redirects more than %d times", host, MAX_REDIRECTS);
    /* A redirect must not lead from HTTPS to HTTP, unless TLS is not required for this registry
     * anyway. */
    if (!g_str_has_prefix(to, "https://") && !(plain && g_str_has_prefix(to, "http://")))
        return berth_error_set(&request->error, BERTH_ERROR_REGISTRY_FAILED,
                               "%s: it redirects to \"%.100s\", which is not HTTPS", host, to);
    g_free((char *)options->url);
    options->url = g_strdup(to);
    /* A finished handle starts again only if it is removed and added. */
    curl_multi_remove_handle(request->http->multi, request->easy);
    berth_request_set_options(request);
    return curl_multi_add_handle(request->http->multi, request->easy) == CURLM_OK;
}

/* The only place where a request ends; never called from a callback of libcurl. */
static void finish_request(BerthRequest *request, CURLcode code) {
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &request->response.status);
    berth_request_take_length(request);
    if (code == CURLE_OK && !request->error && follow_redirect(request))
        return;
    if (code != CURLE_OK && !request->error)
        set_curl_error(request, code);
    else if (request->error && request->lacks_server)
        prefix_host(request);
    request->done(&request->response, request->error, request->userdata);
    free_request(request);
}

static void take_finished(BerthHttp *http) {
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left))) {
        BerthRequest *request = NULL;
        /* Copied, because message is invalid once the handle is removed (curl_multi_info_read(3)).
         */
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&request);
        finish_request(request, code);
    }
}

/* A hang-up counts as readable: libcurl finds the end of the data by reading. */
static int http_on_socket(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    BerthHttp *http = userdata;
    int running, action = 0;

    (void)source;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        action |= CURL_CSELECT_IN;
    if (events & EPOLLOUT)
        action |= CURL_CSELECT_OUT;
    if (events & EPOLLERR)
        action |= CURL_CSELECT_ERR;
    curl_multi_socket_action(http->multi, fd, action, &running);
    take_finished(http);
    return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
    BerthHttp *http = userdata;
    int running;

    (void)source;
    (void)usec;
    curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    take_finished(http);
    return 0;
}

/* libcurl sets its only timer; -1 removes it. A time-out of 0 also goes through the loop: calling
 * libcurl from here would recurse (CURLMOPT_TIMERFUNCTION(3)). */
static int set_timer(CURLM *multi, long timeout_ms, void *userdata) {
    BerthHttp *http = userdata;

    (void)multi;
    if (timeout_ms < 0)
        return sd_event_source_set_enabled(http->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
    if (sd_event_source_set_time_relative(http->timer, (uint64_t)timeout_ms * 1000) < 0 ||
        sd_event_source_set_enabled(http->timer, SD_EVENT_ONESHOT) < 0)
        return -1;
    return 0;
}

static void free_source(gpointer data) {
    sd_event_source_disable_unref(data);
}

/* libcurl says what it waits for on a socket (CURLMOPT_SOCKETFUNCTION(3)). libcurl owns the socket;
 * only the event source is freed here. */
static int set_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_data) {
    BerthHttp *http = userdata;
    sd_event_source *source = g_hash_table_lookup(http->sockets, GINT_TO_POINTER(fd));
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);

    (void)easy;
    (void)socket_data;
    if (what == CURL_POLL_REMOVE) {
        g_hash_table_remove(http->sockets, GINT_TO_POINTER(fd));
        return 0;
    }
    if (source)
        return sd_event_source_set_io_events(source, events) < 0 ? -1 : 0;
    if (sd_event_add_io(http->event, &source, fd, events, http_on_socket, http) < 0)
        return -1;
    g_hash_table_insert(http->sockets, GINT_TO_POINTER(fd), source);
    return 0;
}

BerthHttp *berth_http_new(sd_event *event, GError **error) {
    BerthHttp *http = g_new0(BerthHttp, 1);
    int r;

    http->event = event;
    http->sockets = g_hash_table_new_full(NULL, NULL, NULL, free_source);
    http->multi = curl_multi_init();
    r = sd_event_add_time_relative(event, &http->timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_USEC,
                                   on_timer, http);
    if (!http->multi || r < 0 || sd_event_source_set_enabled(http->timer, SD_EVENT_OFF) < 0) {
        berth_error_set(error, BERTH_ERROR_INTERNAL, "set up libcurl");
        return NULL; /* the process exits */
    }
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 8L);
    return http;
}

void berth_http_set_limits(BerthHttp *http, const BerthHttpLimits *limits) {
    http->limits = *limits;
}

/* Copies the strings of the options, but not tls, which the caller keeps (http.h). first_host stays
 * the same through redirects, and decides who receives an identity. */
BerthRequest *berth_http_send(BerthHttp *http, const BerthHttpOptions *options, BerthHttpDone done,
                              void *userdata) {
    BerthRequest *request = g_new0(BerthRequest, 1);

    request->http = http;
    request->options = *options;
    for (size_t i = 0; option_strings(&request->options, i); i++)
        *option_strings(&request->options, i) = g_strdup(*option_strings(&request->options, i));
    request->first_host = berth_http_get_host(options->url);
    request->done = done;
    request->userdata = userdata;
    berth_response_reset(&request->response);
    request->easy = curl_easy_init();
    if (!request->easy)
        g_error("out of memory");
    berth_request_set_options(request);
    if (curl_multi_add_handle(http->multi, request->easy) != CURLM_OK)
        g_error("out of memory");
    return request;
}

/* The sink may be called before this returns (curl_easy_pause(3)). */
void berth_request_resume(BerthRequest *request) {
    curl_easy_pause(request->easy, CURLPAUSE_CONT);
}
