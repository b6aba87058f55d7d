/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A server's response: its status, the headers that matter, and its body if that is small. */

#pragma once

#include "base/error.h"

#include <stdint.h>

typedef struct {
    long status;            /* 0 if there was no response */
    char *content_type;     /* without parameters, in lower case; "" if there is none */
    char *digest;           /* Docker-Content-Digest, "" if there is none */
    char *challenge;        /* all WWW-Authenticate headers, one per line */
    char *location;         /* Location, an absolute URL without fragment; "" if there is none */
    char *next;             /* Link to the next page, an absolute URL; "" if there is none */
    char *range;            /* Range of an upload, "0-99"; "" if there is none */
    char *warnings;         /* texts of Warning headers (RFC 7234 section 5.5), one per line */
    int64_t retry_after;    /* seconds; -1 if not stated */
    int64_t content_length; /* of this response; -1 if not stated */
    int64_t first_byte;     /* Content-Range: where a part begins; -1 if not stated */
    uint64_t least_chunk;   /* OCI-Chunk-Min-Length of an upload; 0 if not stated */
    bool is_partial;        /* status 206 */
    bool is_encoded;        /* has a Content-Encoding; it may still be untrue for a blob */
    GString *body;          /* what was not passed to a sink */
} BerthResponse;

/* Empties it for the next response: interim ones and redirects precede the last. */
void berth_response_reset(BerthResponse *response);
void berth_response_clear(BerthResponse *response);

/* Stores a header of the response to url, if it is one of the above. */
void berth_response_take_header(BerthResponse *response, const char *url, const char *name,
                                const char *value);
