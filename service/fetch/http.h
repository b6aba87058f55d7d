/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HTTP requests through libcurl's multi interface, driven by the event loop. Each request is a
 * BerthRequest; its body goes to a bounded buffer or, block by block, to a sink. Redirects are
 * followed here and not by libcurl, so that credentials and certificates stay with the host that
 * they are for.
 */

#pragma once

#include "fetch/response.h"

#include <systemd/sd-event.h>

typedef struct BerthHttp BerthHttp;
typedef struct BerthRequest BerthRequest;

/* How the server proves its identity, and how this side does: paths of PEM files, or NULL. */
typedef struct {
    bool insecure; /* no check of the certificate, and redirects to plain HTTP are allowed */
    char *authorities;
    char *certificate, *key;
    const char *host; /* "host" or "host:port" that the certificate is for; others never see it */
} BerthTls;

/* Settings for all requests of a worker; 0 and NULL mean the default. */
typedef struct {
    uint64_t bytes_per_second;
    unsigned connect_timeout, stall_timeout; /* seconds */
    char *proxy, *no_proxy;
} BerthHttpLimits;

/* Takes a block of the body. False with pause set: pass the same block again after
 * berth_request_resume(); false without pause: the request fails with error. */
typedef bool (*BerthHttpSink)(const BerthResponse *response, const char *data, size_t size,
                              bool *pause, void *userdata, GError **error);

/* error is set if there was no usable response (unreachable, broken, refused by the sink); response
 * then has what had arrived. Called once; the request is freed afterwards. */
typedef void (*BerthHttpDone)(const BerthResponse *response, const GError *error, void *userdata);

/* Makes a client; a worker has one for all of its requests. NULL with error. */
BerthHttp *berth_http_new(sd_event *event, GError **error);
/* For all later requests; takes ownership of the strings. */
void berth_http_set_limits(BerthHttp *http, const BerthHttpLimits *limits);

typedef struct {
    const char *url;
    const char *method; /* GET, HEAD, POST, PUT or PATCH */
    const char *accept; /* or NULL */
    const char *token;  /* a bearer token, or NULL */
    const char *user;   /* with password, for the Basic scheme; or NULL */
    const char *password;
    const char *content_type;  /* of the request body */
    const char *content_range; /* of an uploaded chunk, or NULL */
    const char *text;          /* the request body, or NULL */
    bool uploads;              /* a part of the file upload is the request body instead */
    int upload;
    uint64_t upload_offset; /* the file position of upload follows the progress */
    uint64_t upload_size;
    uint64_t offset;     /* request the rest from here */
    uint64_t length;     /* and no more than this; 0: all of it */
    const BerthTls *tls; /* must outlive the request; NULL: the system's trust */
    BerthHttpSink sink;  /* for the body of a 200 or 206; or NULL */
    bool is_document;    /* even if it goes to the sink; see set_decoding() */
} BerthHttpOptions;

/* Begins a request, which belongs to http. It never fails here: done reports all errors, from the
 * loop. */
BerthRequest *berth_http_send(BerthHttp *http, const BerthHttpOptions *options, BerthHttpDone done,
                              void *userdata);

/* Continues a request whose sink paused it. */
void berth_request_resume(BerthRequest *request);

/* Whether an error is a broken connection, after which the same request may succeed. */
bool berth_http_is_transient(const GError *error);

/* By default, sd-event may delay timers of retries by a quarter of a second to coalesce them. */
#define BERTH_HTTP_TIMER_ACCURACY_USEC 1000

/* Extends a delay to what Retry-After asks for; false if that is too long to wait. */
bool berth_http_extend_delay(const BerthResponse *response, uint64_t *delay_usec);

/* Whether to try again: a server is overloaded (429, 5xx; Retry-After is honoured) or the
 * connection broke, and the limit has not been reached. *retries is incremented; *delay_usec is the
 * time to wait, longer each time. */
bool berth_http_get_retry_delay(const BerthResponse *response, const GError *error,
                                unsigned *retries, uint64_t *delay_usec);

/* "host" or "host:port" of a URL, which the caller frees; NULL if there is none. */
char *berth_http_get_host(const char *url);
