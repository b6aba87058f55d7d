/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Authorizations as their files see them: authorization.c has their states,
 * authorization-questions.c asks, and authorization-limits.c counts those that wait. Used by these
 * alone. */

#pragma once

#include "base/bus-error.h"
#include "base/hold.h"
#include "bus/authorization.h"
#include "bus/creations.h"

typedef enum {
    AUTHORIZATION_RUNNING,
    AUTHORIZATION_ASKING_BUS,
    AUTHORIZATION_ASKING_POLKIT,
    AUTHORIZATION_AWAITING,
    AUTHORIZATION_QUEUED,
    AUTHORIZATION_QUEUED_AS_MADE,
    AUTHORIZATION_ABANDONED,
} AuthorizationState;

/* What the user has authenticated for. */
typedef enum {
    AUTHENTICATED_OPERATION = 1 << 0, /* the whole operation, except: */
    AUTHENTICATED_OTHERS = 1 << 1,    /* managing the object of another user */
} AuthenticatedRights;

struct BerthAuthorization {
    BerthAuthorizations *set;
    sd_bus_message *call;
    AuthorizationState state;
    GHashTable *verdicts; /* key of a question → BerthAuditVerdict */
    GHashTable *recorded; /* keys of questions of which the audit has a record */
    GPtrArray *asked; /* of BerthPolkitQuestion: those that polkit is being asked, owned; NULL */
    BerthHold *hold;
    sd_bus_slot *slot; /* of the question to the bus */
    size_t bytes;      /* of the call; 0: not measured */
    bool uid_failed;   /* the bus does not tell whose the call is */
    unsigned met;      /* AuthenticatedRights */
    unsigned over;     /* 0, or the limit of calls of its user that wait as it would have to */
    char *makes;       /* the name of what the call makes; NULL */
    BerthAuthorizationResume resume;
    void *userdata;
};

struct BerthAuthorizations {
    sd_bus *bus;
    BerthCallers *callers;
    GHashTable *calls; /* sd_bus_message → BerthAuthorization */
    BerthCreations *creations;
    unsigned asked;     /* questions of all calls that polkit has not answered, with: */
    GPtrArray *orphans; /* those of them whose calls have ended, owned */
};

/* The bus lets the service wait for 128 replies (max_replies_per_connection of dbus-daemon(1));
 * systemd's are among them, so these are fewer. */
enum { BERTH_MAX_QUESTIONS_IN_ALL = 96 };

/* A question that polkit is being asked. Its answer is kept under the key. When its call ends
 * before, the question is orphaned: the bus counts the reply until it comes, and so do the
 * limits. */
typedef struct {
    BerthAuthorizations *set;
    BerthAuthorization *authorization; /* NULL: orphaned */
    uint32_t uid;
    sd_bus_slot *slot; /* NULL: answered, or not sent */
    char *key;
} BerthPolkitQuestion;

void berth_polkit_question_free(gpointer question);
/* Its call has ended. */
void berth_polkit_question_leave(gpointer question);
/* For BerthAuthorizations. */
GPtrArray *berth_polkit_question_new_orphans(void);
/* Those of a user. */
unsigned berth_polkit_question_count_orphans(const BerthAuthorizations *set, uint32_t uid);

/* The caller; NULL: not known yet. */
const BerthCaller *berth_authorization_find_caller(const BerthAuthorization *authorization);

/* Whether one more call of the user may wait, for what another one makes (awaits) or for an answer.
 */
bool berth_authorization_may_wait(BerthAuthorization *authorization, bool awaits);
/* If not, makes the error of the call, in place of the one that its handler has made. */
int berth_authorization_refuse_to_wait(sd_bus_error *error, unsigned limit);

/* An answer has come: the handler gets the call again. */
void berth_authorization_resume(BerthAuthorization *authorization);
/* What a question of this check stands for. */
AuthenticatedRights berth_authorization_get_right(const char *check);
