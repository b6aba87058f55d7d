/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A berth-fetch that serves one reference: started, told the configuration, and given what proves
 * an identity to those whom the reference concerns, and to nobody else. What a client handed over
 * is for the registry itself; the service's own (LoadCredential=berth.registries) are for all.
 */

#pragma once

#include "remotes/settings.h"
#include "worker/worker.h"

/* What all sessions share. */
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
    bool own;                 /* for want of those the service's own; never with insecure */
} BerthRemoteRequest;

BerthRemotes *berth_remotes_new(sd_event *event);
void berth_remotes_free(BerthRemotes *remotes);
/* Sessions from now on have what the files say now. */
void berth_remotes_reload(BerthRemotes *remotes);

/* Whether the service has credentials of its own that a session for the reference would use. */
bool berth_remotes_has_own(BerthRemotes *remotes, const char *reference);

/* error: the reference is not valid, its registry is blocked, or no worker is to be had. Called
 * once and never after the session was freed. */
typedef void (*BerthRemoteReady)(BerthRemoteSession *session, const GError *error, void *userdata);

/* Begins one; NULL with error where that fails at once. */
BerthRemoteSession *berth_remote_session_new(BerthRemotes *remotes,
                                             const BerthRemoteRequest *request,
                                             BerthRemoteReady ready, void *userdata,
                                             GError **error);
void berth_remote_session_free(BerthRemoteSession *session);

/* Once it is ready: the berth-fetch to call (worker/calls.h); the session owns it. */
BerthWorker *berth_remote_session_get_worker(BerthRemoteSession *session);

/* "docker.io/library/redis", and the whole reference in its normal form. */
const char *berth_remote_session_get_locator(BerthRemoteSession *session);
const char *berth_remote_session_get_name(BerthRemoteSession *session);
/* Whether what answers must prove that it is the registry: a certificate is asked for and checked.
 * Without, whoever has the port is believed. */
bool berth_remote_session_is_proven(BerthRemoteSession *session);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthRemoteSession, berth_remote_session_free)
