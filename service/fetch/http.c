/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fetch/http.h"

#include "config.h"

#include <curl/curl.h>
#include <string.h>

/* sd-event would otherwise let timers of this kind wait for others, a quarter of a second. */
#define TIMER_ACCURACY_USEC 1

enum {
    MAX_HEADER_BYTES = 64 * 1024,
    MAX_BODY_BYTES = 4 * 1024 * 1024,
    MAX_REDIRECTS = 5,
    CONNECT_TIMEOUT_SECONDS = 15,
    STALL_SECONDS = 60,
    BUFFER_BYTES = 512 * 1024,
};

struct BerthHttp {
    sd_event *event;
    CURLM *multi;
    sd_event_source *timer;
    GHashTable *sockets; /* descriptor → sd_event_source */
};

struct BerthRequest {
    BerthHttp *http;
    CURL *easy;
    struct curl_slist *headers;
    BerthResponse response;
    size_t header_bytes;
    BerthHttpSink sink;
    BerthHttpDone done;
    void *userdata;
    GError *error; /* set by a callback, which ends the transfer */
    char reason[CURL_ERROR_SIZE];
};

static GQuark transient_quark(void) {
    return g_quark_from_static_string("berth-transient");
}

bool berth_http_is_transient(const GError *error) {
    return error->domain == transient_quark();
}

static void free_request(BerthRequest *request) {
    curl_multi_remove_handle(request->http->multi, request->easy);
    curl_easy_cleanup(request->easy);
    curl_slist_free_all(request->headers);
    g_free(request->response.content_type);
    g_free(request->response.digest);
    g_free(request->response.challenge);
    g_string_free(request->response.body, TRUE);
    g_clear_error(&request->error);
    g_free(request);
}

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

static void set_curl_error(BerthRequest *request, CURLcode code) {
    const char *reason = request->reason[0] ? request->reason : curl_easy_strerror(code);
    char *url = NULL;

    curl_easy_getinfo(request->easy, CURLINFO_EFFECTIVE_URL, &url);
    g_autofree char *host = NULL;
    const char *start = url ? strstr(url, "://") : NULL;
    if (start)
        host = g_strndup(start + 3, strcspn(start + 3, "/?"));
    if (is_broken_connection(code))
        g_set_error(&request->error, transient_quark(), 0, "%s: the connection broke: %s",
                    host ? host : "registry", reason);
    else
        berth_error_set(&request->error, BERTH_ERROR_REGISTRY_FAILED, "%s: cannot be reached: %s",
                        host ? host : "registry", reason);
}

static void finish_request(BerthRequest *request, CURLcode code) {
    curl_off_t length = -1;

    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &request->response.status);
    curl_easy_getinfo(request->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    request->response.content_length = length;
    if (code != CURLE_OK && !request->error)
        set_curl_error(request, code);
    request->done(&request->response, request->error, request->userdata);
    free_request(request);
}

static void take_finished(BerthHttp *http) {
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left))) {
        BerthRequest *request = NULL;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&request);
        finish_request(request, code);
    }
}

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *userdata) {
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
    if (sd_event_add_io(http->event, &source, fd, events, on_socket, http) < 0)
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
        return NULL; /* the process ends */
    }
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 8L);
    return http;
}

static void take_header(BerthResponse *response, const char *name, const char *value) {
    if (g_ascii_strcasecmp(name, "Content-Type") == 0) {
        g_free(response->content_type);
        /* A parameter is not part of the type. */
        response->content_type = g_strstrip(g_strndup(value, strcspn(value, ";")));
    } else if (g_ascii_strcasecmp(name, "Docker-Content-Digest") == 0) {
        g_free(response->digest);
        response->digest = g_strdup(value);
    } else if (g_ascii_strcasecmp(name, "WWW-Authenticate") == 0) {
        char *joined = g_strconcat(response->challenge, value, "\n", NULL);
        g_free(response->challenge);
        response->challenge = joined;
    }
}

static size_t on_header(char *data, size_t one, size_t size, void *userdata) {
    BerthRequest *request = userdata;
    BerthResponse *response = &request->response;

    (void)one;
    request->header_bytes += size;
    if (request->header_bytes > MAX_HEADER_BYTES) {
        berth_error_set(&request->error, BERTH_ERROR_LIMIT_EXCEEDED,
                        "the registry's headers exceed %d bytes", MAX_HEADER_BYTES);
        return 0;
    }
    g_autofree char *line = g_strstrip(g_strndup(data, size));
    char *colon = strchr(line, ':');
    if (g_str_has_prefix(line, "HTTP/")) {
        /* Of the last response only: redirects and interim answers come before it. */
        const char *space = strchr(line, ' ');
        response->status = space ? strtol(space, NULL, 10) : 0;
        response->is_partial = response->status == 206;
        g_free(response->content_type), response->content_type = g_strdup("");
        g_free(response->digest), response->digest = g_strdup("");
        g_free(response->challenge), response->challenge = g_strdup("");
        g_string_truncate(response->body, 0);
    } else if (colon) {
        *colon = '\0';
        take_header(response, line, g_strstrip(colon + 1));
    }
    return size;
}

static size_t on_body(char *data, size_t one, size_t size, void *userdata) {
    BerthRequest *request = userdata;
    BerthResponse *response = &request->response;
    bool pause = false;

    (void)one;
    if (request->sink && (response->status == 200 || response->status == 206)) {
        if (request->sink(response, data, size, &pause, request->userdata, &request->error))
            return size;
        return pause ? CURL_WRITEFUNC_PAUSE : 0;
    }
    if (response->body->len + size > MAX_BODY_BYTES) {
        berth_error_set(&request->error, BERTH_ERROR_LIMIT_EXCEEDED,
                        "the registry's answer exceeds %d bytes", MAX_BODY_BYTES);
        return 0;
    }
    g_string_append_len(response->body, data, (gssize)size);
    return size;
}

static void add_header(BerthRequest *request, const char *name, const char *value) {
    g_autofree char *line = g_strconcat(name, ": ", value, NULL);

    request->headers = curl_slist_append(request->headers, line);
}

static void set_options(BerthRequest *request, const BerthHttpOptions *options) {
    CURL *easy = request->easy;

    curl_easy_setopt(easy, CURLOPT_URL, options->url);
    curl_easy_setopt(easy, CURLOPT_NOBODY, g_str_equal(options->method, "HEAD") ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->reason);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_BYTES);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "berth/" BERTH_VERSION);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
                     g_str_has_prefix(options->url, "http:") ? "http,https" : "https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR,
                     options->insecure || g_str_has_prefix(options->url, "http:") ? "http,https"
                                                                                  : "https");
    /* curl sends an Authorization header set here to the first host only, also after redirects. */
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_SECONDS);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS);
    if (!options->sink)
        curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)STALL_SECONDS);
    if (options->insecure) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (options->offset > 0) {
        g_autofree char *range = g_strdup_printf("%" G_GUINT64_FORMAT "-", options->offset);
        curl_easy_setopt(easy, CURLOPT_RANGE, range);
    }
    if (options->accept)
        add_header(request, "Accept", options->accept);
    if (options->token) {
        g_autofree char *value = g_strconcat("Bearer ", options->token, NULL);
        add_header(request, "Authorization", value);
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
}

BerthRequest *berth_http_send(BerthHttp *http, const BerthHttpOptions *options, BerthHttpDone done,
                              void *userdata) {
    BerthRequest *request = g_new0(BerthRequest, 1);

    request->http = http;
    request->sink = options->sink;
    request->done = done;
    request->userdata = userdata;
    request->response.content_type = g_strdup("");
    request->response.digest = g_strdup("");
    request->response.challenge = g_strdup("");
    request->response.body = g_string_new(NULL);
    request->easy = curl_easy_init();
    if (!request->easy)
        g_error("out of memory");
    set_options(request, options);
    if (curl_multi_add_handle(http->multi, request->easy) != CURLM_OK)
        g_error("out of memory");
    return request;
}

void berth_request_resume(BerthRequest *request) {
    curl_easy_pause(request->easy, CURLPAUSE_CONT);
}
