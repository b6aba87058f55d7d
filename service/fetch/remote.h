/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A repository of a registry (OCI distribution specification): where it is, over which scheme, and
 * as whom. Requests answer its challenges on their own, and are sent again if the registry is
 * overloaded or the connection breaks.
 */

#pragma once

#include "base/credentials.h"
#include "fetch/endpoint.h"
#include "fetch/http.h"

typedef struct BerthRemote BerthRemote;
typedef struct BerthRemoteCall BerthRemoteCall;

/* It lives as long as the process. */
BerthRemote *berth_remote_new(sd_event *event, BerthHttp *http, const BerthEndpoint *endpoint);

/* Takes both over; tls is merged with what the endpoint says of its security. */
void berth_remote_set_identity(BerthRemote *remote, BerthCredentials *credentials,
                               const BerthTls *tls);

/* "docker.io/library/redis", for messages. */
const char *berth_remote_get_locator(BerthRemote *remote);
const char *berth_remote_get_host(BerthRemote *remote);

/* What Warning headers said so far, one a line, each once. */
const char *berth_remote_get_warnings(BerthRemote *remote);

/* path is relative to the repository: "manifests/latest"; one with a leading "/" to the registry's
 * API ("/": its root); a whole URL, as an upload has it, is taken as it is. The url and what proves
 * an identity in options are ignored. done as berth_http_send has it, after challenges were
 * answered. scope: besides the challenge's, for requests that need more than one; or NULL. */
BerthRemoteCall *berth_remote_send(BerthRemote *remote, const char *path, const char *scope,
                                   const BerthHttpOptions *options, BerthHttpDone done,
                                   void *userdata);
void berth_remote_resume(BerthRemoteCall *call);

/* The error for a response other than 2xx: its status and the registry's message. */
void berth_remote_set_status_error(BerthRemote *remote, const char *path,
                                   const BerthResponse *response, GError **error);
