/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A session is a berth-fetch that serves one reference. It is started, configured, and given
 * credentials and certificates for the registries that the reference concerns, and for no others. A
 * client's credentials are for the registry itself; the service's own
 * (LoadCredential=berth.registries) also for its mirrors.
 */

#pragma once

#include "remotes/settings.h"
#include "worker/worker.h"

/* Shared by all sessions. */
typedef struct {
    sd_event *event;
    BerthSettings *settings; /* replaced when the configuration is read again */
} BerthRemotes;

typedef struct BerthRemoteSession BerthRemoteSession;

typedef struct {
    const char *reference;
    const char *object; /* "" for the reference's own */
    bool insecure;
    char *const *credentials; /* key, value, …; may be NULL */
    bool own;                 /* without those, use the service's own; never with insecure */
} BerthRemoteRequest;

BerthRemotes *berth_remotes_new(sd_event *event);
void berth_remotes_free(BerthRemotes *remotes);
/* Reads the configuration again, for open and future sessions. */
void berth_remotes_reload(BerthRemotes *remotes);

/* Whether the service has its own credentials that a session for the reference would use. */
bool berth_remotes_has_own(BerthRemotes *remotes, const char *reference);

/* error: the reference is invalid, its registry is blocked, or no worker can be started. Called
 * once, and never after the session has been freed. */
typedef void (*BerthRemoteReady)(BerthRemoteSession *session, const GError *error, void *userdata);

/* Begins a session; NULL with error if that fails immediately. */
BerthRemoteSession *berth_remote_session_new(BerthRemotes *remotes,
                                             const BerthRemoteRequest *request,
                                             BerthRemoteReady ready, void *userdata,
                                             GError **error);
void berth_remote_session_free(BerthRemoteSession *session);

/* Once the session is ready: the berth-fetch to call (worker/calls.h), which the session owns. */
BerthWorker *berth_remote_session_get_worker(BerthRemoteSession *session);

/* "docker.io/library/redis", and the whole reference in its normal form. */
const char *berth_remote_session_get_locator(BerthRemoteSession *session);
const char *berth_remote_session_get_name(BerthRemoteSession *session);
/* Whether the registry proves its identity with a certificate. Otherwise any process that answers
 * at its address is trusted. */
bool berth_remote_session_is_proven(BerthRemoteSession *session);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthRemoteSession, berth_remote_session_free)
