/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HTTP requests through libcurl's multi interface, driven by the event loop. One request at a time
 * is a BerthRequest; its body goes to a bounded buffer or, block by block, to a sink. Redirects are
 * followed here and not by libcurl, so that what proves an identity stays with the host it is for.
 */

#pragma once

#include "fetch/response.h"

#include <systemd/sd-event.h>

typedef struct BerthHttp BerthHttp;
typedef struct BerthRequest BerthRequest;

/* How the server proves its identity, and how this side does: files in PEM, or NULL. */
typedef struct {
    bool insecure; /* no check of the certificate; plain HTTP on the way is allowed */
    char *authorities;
    char *certificate, *key;
    const char *host; /* "host" or "host:port" that the certificate is for; others never see it */
} BerthTls;

/* Settings for all requests of a worker; 0 and NULL for the default. */
typedef struct {
    uint64_t bytes_per_second;
    unsigned connect_timeout, stall_timeout; /* seconds */
    char *proxy, *no_proxy;
} BerthHttpLimits;

/* Takes a block of the body. False with pause set: again later, after berth_request_resume; false
 * without: the request fails with error. */
typedef bool (*BerthHttpSink)(const BerthResponse *response, const char *data, size_t size,
                              bool *pause, void *userdata, GError **error);

/* error tells that there was no usable response (unreachable, broken, refused by the sink); the
 * response is then what had arrived. Called once; the request is gone afterwards. */
typedef void (*BerthHttpDone)(const BerthResponse *response, const GError *error, void *userdata);

BerthHttp *berth_http_new(sd_event *event, GError **error);
/* For requests from now on; the strings are taken over. */
void berth_http_set_limits(BerthHttp *http, const BerthHttpLimits *limits);

typedef struct {
    const char *url;
    const char *method; /* GET, HEAD, POST, PUT or PATCH */
    const char *accept; /* or NULL */
    const char *token;  /* a bearer token or NULL */
    const char *user;   /* with password, for the Basic scheme; or NULL */
    const char *password;
    const char *content_type;  /* of what is sent */
    const char *content_range; /* of a chunk that is uploaded, or NULL */
    const char *text;          /* what is sent, or NULL */
    bool uploads;              /* a part of the file upload is sent instead */
    int upload;
    uint64_t upload_offset; /* the file position follows what was sent */
    uint64_t upload_size;
    uint64_t offset; /* ask for the rest from here */
    uint64_t length; /* or for no more than this; 0: all of it */
    const BerthTls
        *tls; /* stays the caller's while the request continues; NULL: the system's trust */
    BerthHttpSink sink; /* for the body of a 200 or 206; or NULL */
} BerthHttpOptions;

BerthRequest *berth_http_send(BerthHttp *http, const BerthHttpOptions *options, BerthHttpDone done,
                              void *userdata);

/* Continues a request whose sink paused it. */
void berth_request_resume(BerthRequest *request);

/* Whether an error is a broken connection, after which the same request may do better. */
bool berth_http_is_transient(const GError *error);

/* sd-event would otherwise let timers of retries wait for others, a quarter of a second. */
#define BERTH_HTTP_TIMER_ACCURACY_USEC 1000

/* Whether to ask again: a server is overloaded (429, 5xx; Retry-After counts) or the connection
 * broke, and there was not enough of that yet. *retries is counted up; *delay_usec is the time to
 * wait, longer each time. */
bool berth_http_get_retry_delay(const BerthResponse *response, const GError *error,
                                unsigned *retries, uint64_t *delay_usec);

/* "host" or "host:port" of a URL. Caller frees; NULL if there is none. */
char *berth_http_get_host(const char *url);
