/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A repository of a registry (OCI distribution specification): where it is, over which scheme, and
 * with which token. Requests answer its challenges by themselves.
 */

#pragma once

#include "fetch/http.h"
#include "fetch/reference.h"

typedef struct BerthRemote BerthRemote;
typedef struct BerthRemoteCall BerthRemoteCall;

/* insecure: plain HTTP and unverified certificates are allowed. */
BerthRemote *berth_remote_new(sd_event *event, BerthHttp *http, const BerthReference *reference,
                              bool insecure);
void berth_remote_free(BerthRemote *remote);

/* "docker.io/library/redis", for messages. */
const char *berth_remote_get_locator(BerthRemote *remote);

/* path is relative to the repository: "manifests/latest". The url of options is ignored. done as
 * berth_http_send has it, after challenges were answered. */
BerthRemoteCall *berth_remote_send(BerthRemote *remote, const char *path,
                                   const BerthHttpOptions *options, BerthHttpDone done,
                                   void *userdata);
void berth_remote_resume(BerthRemoteCall *call);

/* The error for a response that is none of 2xx: its status and the registry's own words. */
void berth_remote_set_status_error(BerthRemote *remote, const char *path,
                                   const BerthResponse *response, GError **error);
