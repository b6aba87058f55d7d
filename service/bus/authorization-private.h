/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Authorizations as their two files see them: authorization.c has their states, and calls
 * authorization-limits.c, which counts those that wait. Used by these alone. */

#pragma once

#include "base/bus-error.h"
#include "base/hold.h"
#include "bus/authorization.h"
#include "bus/makings.h"

typedef enum {
    AUTHORIZATION_RUNNING,
    AUTHORIZATION_ASKING_BUS,
    AUTHORIZATION_ASKING_POLKIT,
    AUTHORIZATION_AWAITING,
    AUTHORIZATION_QUEUED,
    AUTHORIZATION_QUEUED_AS_MADE,
    AUTHORIZATION_ABANDONED,
} AuthorizationState;

struct BerthAuthorization {
    BerthAuthorizations *set;
    sd_bus_message *call;
    AuthorizationState state;
    GHashTable *verdicts; /* key of a question → BerthAuditVerdict */
    GHashTable *recorded; /* keys of questions of which the audit has a record */
    char *asked;          /* key of the question that polkit is being asked */
    BerthHold *hold;
    sd_bus_slot *slot;  /* of the question to the bus or to polkit */
    size_t bytes;       /* of the call; 0: not measured */
    bool uid_failed;    /* the bus does not tell whose the call is */
    unsigned over;      /* 0, or the limit of calls of its user that wait as it would have to */
    char *makes;        /* the name of what the call makes; NULL */
    bool authenticated; /* the user, for the whole act */
    bool manages;       /* the user has authenticated for managing the object of another */
    BerthAuthorizationResume resume;
    void *userdata;
};

struct BerthAuthorizations {
    sd_bus *bus;
    BerthCallers *callers;
    GHashTable *calls; /* sd_bus_message → BerthAuthorization */
    BerthMakings *makings;
};

/* The caller; NULL: not known yet. */
const BerthCaller *berth_authorization_find_caller(const BerthAuthorization *authorization);

/* Whether one more call of the user may wait, for what another one makes (awaits) or for an answer.
 */
bool berth_authorization_may_wait(BerthAuthorization *authorization, bool awaits);
/* If not, makes the error of the call, in place of the one that its handler has made. */
int berth_authorization_refuse_to_wait(sd_bus_error *error, unsigned limit);
