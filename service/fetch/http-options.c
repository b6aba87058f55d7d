/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sets the options of libcurl for a request, and has the callbacks through which libcurl passes
 * headers and body. There is no state: the request belongs to http.c. Credentials and client
 * certificates are for the host that the request was made for; they are not sent to another one
 * after a redirect.
 */

#include "base/limits.h"
#include "fetch/http-private.h"

#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_HEADER_BYTES = 64 * 1024,
    CONNECT_TIMEOUT_SECONDS = 15,
    STALL_SECONDS = 60,
    BUFFER_BYTES = 512 * 1024,
};

#define SYSTEM_AUTHORITIES "/etc/ssl/certs"

char *berth_http_get_host(const char *url) {
    const char *start = url ? strstr(url, "://") : NULL;

    return start ? g_strndup(start + 3, strcspn(start + 3, "/?#")) : NULL;
}

static bool request_decodes(const BerthRequest *request) {
    return !request->options.sink || request->options.is_document;
}

/* Asks libcurl instead of reading Content-Length, which does not count for a chunked body (RFC 9112
 * section 6.3), and is not that of a decoded one. */
void berth_request_take_length(BerthRequest *request) {
    curl_off_t length = -1;

    curl_easy_getinfo(request->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (request->response.is_encoded && request_decodes(request))
        length = -1;
    request->response.content_length = length;
}

/* Whether the request is still with the host that it was made for, or has come back to it. */
static bool is_at_first_host(const BerthRequest *request) {
    g_autofree char *host = berth_http_get_host(request->options.url);

    return g_strcmp0(host, request->first_host) == 0;
}

/* A challenge names the server that receives the credentials, so only the host that they are for
 * may send one, and not the storage server that it redirects to. */
static void request_take_header(BerthRequest *request, const char *name, const char *value) {
    if (g_ascii_strcasecmp(name, "WWW-Authenticate") == 0 && !is_at_first_host(request))
        return;
    berth_response_take_header(&request->response, request->options.url, name, value);
}

static size_t request_on_header(char *data, size_t one, size_t size, void *userdata) {
    BerthRequest *request = userdata;
    BerthResponse *response = &request->response;

    (void)one;
    request->header_bytes += size;
    if (request->header_bytes > MAX_HEADER_BYTES) {
        request->lacks_server = true;
        berth_error_set(&request->error, BERTH_ERROR_LIMIT_EXCEEDED,
                        "the registry's headers exceed %d bytes", MAX_HEADER_BYTES);
        return 0;
    }
    g_autofree char *line = g_strstrip(g_strndup(data, size));
    char *colon = strchr(line, ':');
    /* A status line begins another response: interim ones (1xx) and redirects precede the last. For
     * HTTP/2, libcurl generates such a line. */
    if (g_str_has_prefix(line, "HTTP/")) {
        const char *space = strchr(line, ' ');
        berth_response_reset(response);
        response->status = space ? strtol(space, NULL, 10) : 0;
        response->is_partial = response->status == 206;
    } else if (colon) {
        *colon = '\0';
        request_take_header(request, line, g_strstrip(colon + 1));
    }
    return size;
}

/* Returning a size other than the one received ends the transfer with CURLE_WRITE_ERROR;
 * request->error then has the reason. The body of an error response never reaches the sink. */
static size_t request_on_body(char *data, size_t one, size_t size, void *userdata) {
    BerthRequest *request = userdata;
    BerthResponse *response = &request->response;
    bool pause = false;

    (void)one;
    /* A block that was refused in curl_easy_pause(3) does not end the transfer. */
    if (request->error)
        return 0;
    berth_request_take_length(request);
    if (request->options.sink && (response->status == 200 || response->status == 206)) {
        if (request->options.sink(response, data, size, &pause, request->userdata, &request->error))
            return size;
        return pause ? CURL_WRITEFUNC_PAUSE : 0;
    }
    if (response->body->len + size > BERTH_MAX_DOCUMENT_BYTES) {
        request->lacks_server = true;
        berth_error_set(&request->error, BERTH_ERROR_LIMIT_EXCEEDED,
                        "the registry's answer exceeds %u bytes", BERTH_MAX_DOCUMENT_BYTES);
        return 0;
    }
    g_string_append_len(response->body, data, (gssize)size);
    return size;
}

static void add_header(BerthRequest *request, const char *name, const char *value) {
    g_autofree char *line = g_strconcat(name, ": ", value, NULL);

    request->headers = curl_slist_append(request->headers, line);
}

/* Reads at this request's offset: the file position of the descriptor may be where an earlier
 * attempt stopped. */
static size_t request_on_upload(char *buffer, size_t one, size_t count, void *userdata) {
    BerthRequest *request = userdata;
    const BerthHttpOptions *options = &request->options;
    uint64_t left = options->upload_size - request->sent;
    off_t position = (off_t)(options->upload_offset + request->sent);
    ssize_t got;

    do
        got = pread(options->upload, buffer, MIN((uint64_t)(one * count), left), position);
    while (got < 0 && errno == EINTR);
    if (got < 0 || (got == 0 && left > 0)) {
        berth_error_set_errno(&request->error, got < 0 ? errno : EIO, "read the uploaded content");
        return CURL_READFUNC_ABORT;
    }
    request->sent += (uint64_t)got;
    /* The owner of the descriptor follows the progress by its file position. */
    (void)lseek(options->upload, position + got, SEEK_SET);
    return (size_t)got;
}

/* libcurl rewinds an upload that it has to send again. */
static int request_on_seek(void *userdata, curl_off_t offset, int origin) {
    BerthRequest *request = userdata;

    if (origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    request->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static void set_method(BerthRequest *request) {
    const BerthHttpOptions *options = &request->options;
    CURL *easy = request->easy;

    request->sent = 0;
    if (g_str_equal(options->method, "HEAD")) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (options->uploads) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        /* If a reused connection breaks, libcurl repeats the request by itself, and the registry
         * would append the same bytes again. */
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)options->upload_size);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, request_on_upload);
        curl_easy_setopt(easy, CURLOPT_READDATA, request);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, request_on_seek);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, request);
        curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER_BYTES);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, options->method);
    } else if (!g_str_equal(options->method, "GET")) {
        /* libcurl does not copy the text, which belongs to the request. */
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, options->text ? options->text : "");
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, options->method);
    }
}

static void set_tls(BerthRequest *request, bool first_host) {
    const BerthTls *tls = request->options.tls;
    CURL *easy = request->easy;

    if (!tls)
        return;
    if (tls->insecure) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    /* In addition to the system's authorities, as in docker. */
    if (tls->authorities) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, tls->authorities);
        curl_easy_setopt(easy, CURLOPT_CAPATH, SYSTEM_AUTHORITIES);
    }
    /* A client certificate is an identity: like credentials, it is for the registry alone. Token
     * servers and upload locations may be on other hosts, which the registry names, and so may the
     * target of a redirect; even one that leads back to the registry does not get it. */
    if (tls->certificate && first_host && g_strcmp0(request->first_host, tls->host) == 0) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->certificate);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, tls->key);
    }
}

/* A server may compress what nobody asked it to (RFC 9110, section 12.5.3), which some do with
 * JSON. Blobs are never decoded: for those the header is often untrue, and their bytes are hashed
 * as they are. */
static void set_decoding(BerthRequest *request) {
    if (!request_decodes(request))
        return;
    curl_easy_setopt(request->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    /* Decodes without asking for it: the empty value removes the header. */
    add_header(request, "Accept-Encoding", "");
}

static void set_headers(BerthRequest *request, bool first_host) {
    const BerthHttpOptions *options = &request->options;

    g_clear_pointer(&request->headers, curl_slist_free_all);
    set_decoding(request);
    if (options->accept)
        add_header(request, "Accept", options->accept);
    if (options->content_type)
        add_header(request, "Content-Type", options->content_type);
    if (options->content_range)
        add_header(request, "Content-Range", options->content_range);
    /* Registries redirect to storage servers of third parties, which must not receive the
     * credentials. */
    if (options->token && first_host) {
        g_autofree char *value = g_strconcat("Bearer ", options->token, NULL);
        add_header(request, "Authorization", value);
    } else if (options->user && first_host) {
        g_autofree char *pair = g_strconcat(options->user, ":", options->password, NULL);
        g_autofree char *encoded = g_base64_encode((const guchar *)pair, strlen(pair));
        g_autofree char *value = g_strconcat("Basic ", encoded, NULL);
        add_header(request, "Authorization", value);
    }
    /* libcurl would wait up to a second for "100 Continue", which many registries do not send. */
    if (options->uploads)
        add_header(request, "Expect", "");
    curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
}

/* While more can be read at once, libcurl fills up to a hundred buffers before it compares the
 * speed with the limit. */
static long get_buffer_bytes(const BerthHttpLimits *limits) {
    return limits->bytes_per_second > 0
               ? (long)CLAMP(limits->bytes_per_second / 1000, 1024, BUFFER_BYTES)
               : (long)BUFFER_BYTES;
}

static void set_http_limits(BerthRequest *request) {
    const BerthHttpLimits *limits = &request->http->limits;
    long stall = limits->stall_timeout ? (long)limits->stall_timeout : STALL_SECONDS;
    CURL *easy = request->easy;

    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT,
                     limits->connect_timeout ? (long)limits->connect_timeout
                                             : (long)CONNECT_TIMEOUT_SECONDS);
    /* Less than one byte per second on average, for this long, counts as a stall. */
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, stall);
    /* A response that is kept in memory is small and must be complete within that time; a streamed
     * body may take any time as long as it makes progress. */
    if (!request->options.sink && !request->options.uploads)
        curl_easy_setopt(easy, CURLOPT_TIMEOUT, stall);
    if (limits->bytes_per_second > 0) {
        curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)limits->bytes_per_second);
        curl_easy_setopt(easy, CURLOPT_MAX_SEND_SPEED_LARGE, (curl_off_t)limits->bytes_per_second);
    }
    if (limits->proxy)
        curl_easy_setopt(easy, CURLOPT_PROXY, limits->proxy);
    if (limits->no_proxy)
        curl_easy_setopt(easy, CURLOPT_NOPROXY, limits->no_proxy);
}

/* Resets the handle first: after a redirect, most options differ. */
void berth_request_set_options(BerthRequest *request) {
    const BerthHttpOptions *options = &request->options;
    bool first_host = is_at_first_host(request);
    CURL *easy = request->easy;

    curl_easy_reset(easy);
    request->header_bytes = 0;
    curl_easy_setopt(easy, CURLOPT_URL, options->url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->reason);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, request_on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, request_on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, get_buffer_bytes(&request->http->limits));
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "berth/" BERTH_VERSION);
    /* libcurl supports other schemes, such as file:, which a server must not be able to redirect
     * to. */
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
                     g_str_has_prefix(options->url, "http:") ? "http" : "https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    if (options->offset > 0 || options->length > 0) {
        g_autofree char *end =
            options->length > 0
                ? g_strdup_printf("%" G_GUINT64_FORMAT, options->offset + options->length - 1)
                : g_strdup("");
        g_autofree char *range = g_strdup_printf("%" G_GUINT64_FORMAT "-%s", options->offset, end);
        curl_easy_setopt(easy, CURLOPT_RANGE, range);
    }
    set_method(request);
    set_tls(request, first_host);
    set_http_limits(request);
    set_headers(request, first_host);
}
