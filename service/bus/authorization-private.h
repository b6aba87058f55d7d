/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The parts of an authorization shared by its files: authorization.c has the states,
 * authorization-questions.c asks the questions, and authorization-limits.c and
 * authorization-orphans.c count what is waiting. No other file uses this header.
 */

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

/* What the user has authenticated for, as flags. */
typedef enum {
    AUTHENTICATED_OPERATION = 1 << 0, /* the whole operation, except for: */
    AUTHENTICATED_OTHERS = 1 << 1,    /* managing an object of another user */
} AuthenticatedRights;

struct BerthAuthorization {
    BerthAuthorizations *set;
    sd_bus_message *call;
    AuthorizationState state;
    GHashTable *verdicts; /* question key → BerthAuditVerdict */
    GHashTable *recorded; /* keys of questions that the audit has recorded */
    GPtrArray *asked; /* of BerthPolkitQuestion: questions pending with polkit, owned; NULL: none */
    BerthHold *hold;
    sd_bus_slot *slot;       /* of the pending call to the bus */
    size_t bytes;            /* size of the call; 0: not measured */
    bool uid_failed;         /* the bus could not provide the caller's uid */
    unsigned authenticated;  /* AuthenticatedRights as flags */
    unsigned exceeded_limit; /* the limit that kept the call from waiting; 0: none did */
    char *creating;          /* name of the object that the call creates; NULL: none */
    BerthAuthorizationResume resume;
    void *userdata;
};

struct BerthAuthorizations {
    sd_bus *bus;
    BerthCallers *callers;
    GHashTable *calls; /* sd_bus_message → BerthAuthorization */
    BerthCreations *creations;
    unsigned asked;     /* questions of all calls pending with polkit, including: */
    GPtrArray *orphans; /* those whose calls have ended, owned */
};

/* The bus lets the service wait for 128 replies at a time (max_replies_per_connection in
 * dbus-daemon(1)). Replies from systemd count as well, hence a lower limit. */
enum { BERTH_MAX_QUESTIONS_IN_ALL = 96 };

/* A question pending with polkit. The answer is stored under the key. If the call ends first, the
 * question is orphaned: the bus counts the pending reply until it arrives, and so do the limits. */
typedef struct {
    BerthAuthorizations *set;
    BerthAuthorization *authorization; /* NULL: orphaned */
    uint32_t uid;
    sd_bus_slot *slot; /* NULL: answered or not sent */
    char *key;
} BerthPolkitQuestion;

/* Cancels the question if it is still pending. For use as a GDestroyNotify. */
void berth_polkit_question_free(gpointer question);
/* Called when the question's call has ended. */
void berth_polkit_question_leave(gpointer question);
/* Creates the array of orphans of BerthAuthorizations. */
GPtrArray *berth_polkit_question_new_orphans(void);
/* Counts the orphans of one user. */
unsigned berth_polkit_question_count_orphans(const BerthAuthorizations *set, uint32_t uid);

/* Returns the caller; NULL if not known yet. */
const BerthCaller *berth_authorization_find_caller(const BerthAuthorization *authorization);

/* Whether one more call of the user may wait, for an object being created (awaits) or for an
 * answer. If not, sets exceeded_limit. */
bool berth_authorization_may_wait(BerthAuthorization *authorization, bool awaits);
/* Sets the error of a call that may not wait, in place of the one that its handler has set. Returns
 * a negative errno. */
int berth_authorization_refuse_to_wait(sd_bus_error *error, unsigned limit);

/* Called when an answer has arrived: runs the handler again. */
void berth_authorization_resume(BerthAuthorization *authorization);
/* Returns what the user has authenticated for by meeting a challenge of this check. */
AuthenticatedRights berth_authorization_get_right(const char *check);
