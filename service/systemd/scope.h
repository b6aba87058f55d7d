/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Transient scopes, the units in which containers run (org.freedesktop.systemd1(5)). All calls are
 * asynchronous. A start has succeeded when systemd's job is removed with the result "done".
 */

#pragma once

#include "systemd/scope-message.h"

typedef struct BerthScopes BerthScopes;

typedef void (*BerthScopeDone)(const GError *error, void *userdata);
typedef void (*BerthStopRequested)(const char *unit, void *userdata);

/* requested is called when systemd asks the scope's controller to stop it, at "systemctl stop" and
 * at shutdown. */
BerthScopes *berth_scopes_new(sd_bus *bus, BerthStopRequested requested, void *userdata,
                              GError **error);
void berth_scopes_free(BerthScopes *scopes);

/* Moves pid into a new scope. After berth_scopes_forget(), systemd's job continues, but done is not
 * called. */
void berth_scopes_start(BerthScopes *scopes, const BerthScopeOptions *options, BerthScopeDone done,
                        void *userdata);
void berth_scopes_forget(BerthScopes *scopes, void *userdata);

/* Stops a scope that no container uses, together with its processes. */
void berth_scopes_stop(BerthScopes *scopes, const char *unit);

/* Freezes or thaws all processes of the unit. */
void berth_scopes_freeze(BerthScopes *scopes, const char *unit, bool frozen, BerthScopeDone done,
                         void *userdata);

/* Sets properties (a{sv}) of a running unit; they last until it stops. */
void berth_scopes_set_properties(BerthScopes *scopes, const char *unit, GVariant *properties,
                                 BerthScopeDone done, void *userdata);

/* Sends a signal to every process of the unit. done may be NULL. */
void berth_scopes_kill(BerthScopes *scopes, const char *unit, int signal, BerthScopeDone done,
                       void *userdata);
