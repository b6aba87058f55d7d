/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The reference of a berth-fetch: Open and Configure, which precede everything else. */

#pragma once

#include "base/descriptor.h"
#include "fetch/endpoint.h"
#include "fetch/remote.h"

#include <systemd/sd-bus.h>

typedef struct {
    sd_event *event;
    BerthHttp *http;
    char *name, *object;
    BerthReference *reference;
    GPtrArray *endpoints; /* of BerthEndpoint; NULL before Open */
    GPtrArray *remotes;   /* of BerthRemote, in the same order */
    char *kept_digest;    /* of what berth_fetch_session_keep() has kept; NULL: nothing */
    GBytes *kept;
} BerthFetchSession;

/* The methods of these names: each reads the message and replies. */
int berth_fetch_session_open(BerthFetchSession *session, sd_bus_message *call,
                             sd_bus_error *ret_error);
int berth_fetch_session_configure(BerthFetchSession *session, sd_bus_message *call,
                                  sd_bus_error *ret_error);

/* Keeps a document that came with the reply to GET when the reference was resolved, so that it is
 * not requested again. One whose digest is another one is not kept. */
void berth_fetch_session_keep(BerthFetchSession *session, const BerthDescriptor *target,
                              const GString *body);
/* Writes the document of target from offset on into the pipe, if it is kept, and forgets it.
 * Returns the offset at which the pipe, which must not block, continues. */
uint64_t berth_fetch_session_pass_on(BerthFetchSession *session, const BerthDescriptor *target,
                                     uint64_t offset, int pipe);

/* FailedPrecondition before Open. */
bool berth_fetch_session_check_open(BerthFetchSession *session, sd_bus_error *error);
/* The registry itself; its mirrors come before it in remotes. */
BerthRemote *berth_fetch_session_get_origin(BerthFetchSession *session);
/* Whether object, which the caller names separately, may be part of a URL. */
bool berth_fetch_session_check_object(const BerthFetchSession *session, const char *object,
                                      GError **error);
