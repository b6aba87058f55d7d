/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A repository in a registry (OCI distribution specification): its location, the scheme, and the
 * identity to use. Requests answer its challenges themselves, and are sent again if the registry is
 * overloaded or the connection breaks.
 */

#pragma once

#include "base/credentials.h"
#include "fetch/endpoint.h"
#include "fetch/http.h"

typedef struct BerthRemote BerthRemote;
typedef struct BerthRemoteCall BerthRemoteCall;

/* Lives as long as the process. */
BerthRemote *berth_remote_new(sd_event *event, BerthHttp *http, const BerthEndpoint *endpoint);

/* Takes ownership of both; tls is merged with the endpoint's security settings. */
void berth_remote_set_identity(BerthRemote *remote, BerthCredentials *credentials,
                               const BerthTls *tls);

/* "docker.io/library/redis", for messages. */
const char *berth_remote_get_locator(BerthRemote *remote);
const char *berth_remote_get_host(BerthRemote *remote);

/* The texts of all Warning headers so far, each once. */
const GPtrArray *berth_remote_get_warnings(BerthRemote *remote);

/* path is relative to the repository ("manifests/latest"); one with a leading "/" is relative to
 * the registry's API ("/": its root); a full URL, such as the location of an upload, is used
 * unchanged. The URL and identity in options are ignored. done is called as by berth_http_send,
 * after challenges have been answered. scope: requested in addition to the challenge's, for
 * requests that need more than one; or NULL. */
BerthRemoteCall *berth_remote_send(BerthRemote *remote, const char *path, const char *scope,
                                   const BerthHttpOptions *options, BerthHttpDone done,
                                   void *userdata);
void berth_remote_resume(BerthRemoteCall *call);

/* Sets the error for a response other than 2xx: its status and the registry's message. */
void berth_remote_set_status_error(BerthRemote *remote, const char *path,
                                   const BerthResponse *response, GError **error);
