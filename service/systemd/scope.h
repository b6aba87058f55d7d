/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Transient scopes: how a container is known to systemd. All calls are asynchronous; a start is
 * over when systemd's job is, and its result says whether it worked.
 */

#pragma once

#include "base/bus-error.h"

typedef struct BerthScopes BerthScopes;

typedef struct {
    const char *unit; /* berth-ID.scope */
    const char *description;
    const char *slice;
    uint32_t pid;
    int stop_signal;
    uint64_t stop_timeout_usec;
    GVariant *properties; /* a{sv}: limits and the like; NULL for none */
} BerthScopeOptions;

typedef void (*BerthScopeDone)(const GError *error, void *userdata);
typedef void (*BerthStopRequested)(const char *unit, void *userdata);

/* requested is told when systemd asks for a scope to be stopped: "systemctl stop", shutdown. */
BerthScopes *berth_scopes_new(sd_bus *bus, BerthStopRequested requested, void *userdata,
                              GError **error);
void berth_scopes_free(BerthScopes *scopes);

/* Puts pid into a new scope. A job that is forgotten still runs, but done is not called. */
void berth_scopes_start(BerthScopes *scopes, const BerthScopeOptions *options, BerthScopeDone done,
                        void *userdata);
void berth_scopes_forget(BerthScopes *scopes, void *userdata);

/* Tells of scopes that systemd has under names that match pattern; once, or never. */
typedef void (*BerthScopeSeen)(const char *unit, void *userdata);
void berth_scopes_list(BerthScopes *scopes, const char *pattern, BerthScopeSeen seen,
                       void *userdata);

/* Ends a scope that is nobody's any more, and what may still be in it. */
void berth_scopes_stop(BerthScopes *scopes, const char *unit);

/* Stops all processes of the unit where they are, or lets them go on. */
void berth_scopes_freeze(BerthScopes *scopes, const char *unit, bool frozen, BerthScopeDone done,
                         void *userdata);

/* Sets properties (a{sv}) of a running unit, until it ends. */
void berth_scopes_set_properties(BerthScopes *scopes, const char *unit, GVariant *properties,
                                 BerthScopeDone done, void *userdata);

/* A signal to every process of the unit; done may be NULL. */
void berth_scopes_kill(BerthScopes *scopes, const char *unit, int signal, BerthScopeDone done,
                       void *userdata);
