/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A request as shared by its two files: http.c manages its life, http-options.c its easy handle. */

#pragma once

#include "fetch/http.h"

#include <curl/curl.h>

struct BerthHttp {
    sd_event *event;
    CURLM *multi;
    sd_event_source *timer;
    GHashTable *sockets; /* descriptor → sd_event_source */
    BerthHttpLimits limits;
};

struct BerthRequest {
    BerthHttp *http;
    CURL *easy;
    struct curl_slist *headers;
    BerthResponse response;
    size_t header_bytes;
    BerthHttpOptions options; /* its strings belong to the request */
    char *first_host;         /* the host that credentials are for */
    unsigned redirects;
    uint64_t sent; /* bytes uploaded */
    BerthHttpDone done;
    void *userdata;
    GError *error;     /* set by a callback, which ends the transfer */
    bool lacks_server; /* error is about what the server sent, but does not name the server yet */
    char reason[CURL_ERROR_SIZE];
};

/* Sets all options of the handle, for the first attempt and again after a redirect. */
void berth_request_set_options(BerthRequest *request);
/* Stores the length of the response's body, if known. */
void berth_request_take_length(BerthRequest *request);
