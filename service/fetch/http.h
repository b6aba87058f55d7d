/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HTTP requests through libcurl's multi interface, driven by the event loop. One request at a time
 * is a BerthRequest; its body goes to a bounded buffer or, block by block, to a sink.
 */

#pragma once

#include "base/error.h"

#include <stdint.h>
#include <systemd/sd-event.h>

typedef struct BerthHttp BerthHttp;
typedef struct BerthRequest BerthRequest;

typedef struct {
    long status;            /* 0 when there was no answer */
    char *content_type;     /* without parameters; "" where there is none */
    char *digest;           /* Docker-Content-Digest, "" where there is none */
    char *challenge;        /* all WWW-Authenticate headers, one a line */
    int64_t content_length; /* of this response; -1 where it is not said */
    bool is_partial;        /* 206 */
    GString *body;          /* what was not given to a sink */
} BerthResponse;

/* Takes a block of the body. False with pause set: again later, after berth_request_resume; false
 * without: the request fails with error. */
typedef bool (*BerthHttpSink)(const BerthResponse *response, const char *data, size_t size,
                              bool *pause, void *userdata, GError **error);

/* error tells that there was no usable response (unreachable, broken, refused by the sink); the
 * response is then what had arrived. Called once; the request is gone afterwards. */
typedef void (*BerthHttpDone)(const BerthResponse *response, const GError *error, void *userdata);

BerthHttp *berth_http_new(sd_event *event, GError **error);

typedef struct {
    const char *url;
    const char *method; /* GET or HEAD */
    const char *accept; /* or NULL */
    const char *token;  /* a bearer token or NULL */
    uint64_t offset;    /* ask for the rest from here */
    bool insecure;      /* no check of the certificate; plain HTTP on the way is allowed */
    BerthHttpSink sink; /* for the body of a 200 or 206; or NULL */
} BerthHttpOptions;

BerthRequest *berth_http_send(BerthHttp *http, const BerthHttpOptions *options, BerthHttpDone done,
                              void *userdata);

/* Continues a request whose sink paused it. */
void berth_request_resume(BerthRequest *request);

/* Whether an error is a broken connection, after which the same request may do better. */
bool berth_http_is_transient(const GError *error);
