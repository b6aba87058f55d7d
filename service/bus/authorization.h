/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The authorization of a call: its caller and polkit's answers about it, kept together with the
 * message. A handler that needs an answer which has not arrived yet returns; when the answer
 * arrives, it is stored, the message is rewound and put back into the queue of the bus, and the
 * handler runs once more from its beginning. Used only by access.c and access-owned.c, which know
 * what the answers mean.
 */

#pragma once

#include "bus/callers.h"
#include "bus/polkit.h"

typedef struct BerthAuthorizations BerthAuthorizations;
typedef struct BerthAuthorization BerthAuthorization;

/* Both arguments are borrowed, and must outlive the set. */
BerthAuthorizations *berth_authorizations_new(sd_bus *bus, BerthCallers *callers);
void berth_authorizations_free(BerthAuthorizations *authorizations);

/* Returns the authorization of a call whose handler is about to run, new or kept from an earlier
 * run. NULL: the caller has left the bus, and the handler must not run. */
BerthAuthorization *berth_authorization_begin(BerthAuthorizations *authorizations,
                                              sd_bus_message *call);
/* Called when the handler has returned r or set error. Unless the call waits for an answer, this
 * frees the authorization and reports the result to the audit. Returns r, or the value to return in
 * its place. */
int berth_authorization_end(BerthAuthorizations *authorizations, sd_bus_message *call, int r,
                            sd_bus_error *error);

/* For a call that has already been answered and can therefore not be dispatched again: resume is
 * called at once, again each time an answer arrives, and once more, with all checks refused, if the
 * caller leaves. */
typedef void (*BerthAuthorizationResume)(sd_bus_message *call, void *userdata);
void berth_authorization_run_later(BerthAuthorizations *authorizations, sd_bus_message *call,
                                   BerthAuthorizationResume resume, void *userdata);

/* Returns the authorization of a call; NULL if it has none, or none any more. */
BerthAuthorization *berth_authorization_find(BerthAuthorizations *authorizations,
                                             sd_bus_message *call);
/* Frees the authorization of a call, which cancels its pending questions. */
void berth_authorization_forget(BerthAuthorizations *authorizations, sd_bus_message *call);
/* Called when a client has left the bus: its calls are dropped without a reply. */
void berth_authorizations_drop_client(BerthAuthorizations *authorizations, const char *client);

/* Returns 1 and sets *uid, 0 if the bus is being asked, or a negative errno. */
int berth_authorization_find_uid(BerthAuthorization *authorization, uint32_t *uid);
/* For a call that has failed before any check has asked who the client is, such as one with wrong
 * arguments: the record of a failed change needs its user. Returns true if the bus is being asked;
 * the handler, which has changed nothing, fails once more after the answer. */
bool berth_authorization_ask_for_record(BerthAuthorization *authorization);
/* Sends all of these questions to polkit at once, except those already answered; when all answers
 * have arrived, the handler runs again and decides on them one after the other. Returns 1 if all
 * are answered, 0 if polkit or the bus is being asked, or a negative errno. */
int berth_authorization_prepare(BerthAuthorization *authorization, const BerthQuestion *questions,
                                size_t count);
/* Returns 1 and sets *verdict, 0 if polkit or the bus is being asked, or a negative errno. Each
 * question is asked once and recorded once by the audit, however often the handler runs. */
int berth_authorization_decide(BerthAuthorization *authorization, const BerthQuestion *question,
                               BerthAuditVerdict *verdict);
/* Like berth_authorization_decide, for a question that covers the other questions of the call: if
 * the user answers it by authenticating, rather than a rule, then
 * berth_authorization_is_authenticated() is true from then on. A question of the check "others"
 * covers only further questions of that check. */
int berth_authorization_decide_covering(BerthAuthorization *authorization,
                                        const BerthQuestion *question, BerthAuditVerdict *verdict);
void berth_authorization_set_authenticated(BerthAuthorization *authorization);
bool berth_authorization_is_authenticated(const BerthAuthorization *authorization);
/* Whether a challenge of this check does not have to be met again. */
bool berth_authorization_is_met(const BerthAuthorization *authorization, const char *check);

/* Notes that the call creates an object of this name. Until the call has ended, later calls of its
 * client about that name can wait for the object (berth_authorization_await), so that the client
 * does not have to wait between them. */
void berth_authorization_make(BerthAuthorization *authorization, const char *name);
/* Notes that an operation started by the call goes on creating the object after the call has ended,
 * until berth_authorizations_end_creation(). */
void berth_authorizations_extend_creation(BerthAuthorizations *authorizations, sd_bus_message *call,
                                          const char *name);
/* Ends a creation. If made, the object now exists, and the calls that wait for it run in the order
 * of their arrival. Otherwise they are answered with NotFound. */
void berth_authorizations_end_creation(BerthAuthorizations *authorizations, sd_bus_message *call,
                                       const char *name, bool made);
/* Whether any calls wait for the object. */
bool berth_authorizations_are_awaiting(const BerthAuthorizations *set, sd_bus_message *call,
                                       const char *name);
/* Returns 1 if the client is not creating an object of this name, 0 if it is and the call now waits
 * for it, or a negative errno. */
int berth_authorization_await(BerthAuthorization *authorization, const char *name);
