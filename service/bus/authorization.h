/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The authorization of a call: its caller and the answers of polkit about it, kept with the
 * message. A handler that needs an answer which has not come yet returns; when it comes, it is
 * kept, the message is rewound and put into the bus' queue again, and the handler runs once more,
 * from its beginning. Used by access.c and access-owned.c alone, which know what the answers mean.
 */

#pragma once

#include "bus/callers.h"
#include "bus/polkit.h"

typedef struct BerthAuthorizations BerthAuthorizations;
typedef struct BerthAuthorization BerthAuthorization;

BerthAuthorizations *berth_authorizations_new(sd_bus *bus, BerthCallers *callers);
void berth_authorizations_free(BerthAuthorizations *authorizations);

/* That of a call whose handler is about to run, new or kept; NULL: the caller has left the bus, and
 * the handler does not run. */
BerthAuthorization *berth_authorization_begin(BerthAuthorizations *authorizations,
                                              sd_bus_message *call);
/* The handler has returned r, or set error. Unless it waits for an answer, the authorization is
 * gone and the audit knows the result. Returns r, or what takes its place. */
int berth_authorization_end(BerthAuthorizations *authorizations, sd_bus_message *call, int r,
                            sd_bus_error *error);

/* For a call that has been answered already, and can therefore not be dispatched again: resume is
 * called now, again each time an answer has come, and with a refusal if the caller leaves. */
typedef void (*BerthAuthorizationResume)(sd_bus_message *call, void *userdata);
void berth_authorization_run_later(BerthAuthorizations *authorizations, sd_bus_message *call,
                                   BerthAuthorizationResume resume, void *userdata);

BerthAuthorization *berth_authorization_find(BerthAuthorizations *authorizations,
                                             sd_bus_message *call);
void berth_authorization_forget(BerthAuthorizations *authorizations, sd_bus_message *call);
void berth_authorizations_drop_client(BerthAuthorizations *authorizations, const char *client);

/* 1 with *uid, 0 when the bus is asked, negative errno. */
int berth_authorization_find_uid(BerthAuthorization *authorization, uint32_t *uid);
/* Asks polkit all these questions at once, as far as their answers are not known: the handler runs
 * again when it has answered them, and decides them one after the other. 1 if all are known, 0 when
 * polkit or the bus is asked, negative errno. */
int berth_authorization_prepare(BerthAuthorization *authorization, const BerthQuestion *questions,
                                size_t count);
/* 1 with *verdict, 0 when polkit or the bus is asked, negative errno. Each question is asked once
 * and recorded by the audit once, however often the handler runs. */
int berth_authorization_decide(BerthAuthorization *authorization, const BerthQuestion *question,
                               BerthAuditVerdict *verdict);
/* The same for a question that covers the call's others: if it is the user who answers it, by
 * authenticating, and not a rule, berth_authorization_is_authenticated() is true from then on. One
 * of the check "others" covers only further ones of that check. */
int berth_authorization_decide_covering(BerthAuthorization *authorization,
                                        const BerthQuestion *question, BerthAuditVerdict *verdict);
void berth_authorization_set_authenticated(BerthAuthorization *authorization);
bool berth_authorization_is_authenticated(const BerthAuthorization *authorization);
/* Whether a challenge of this check need not be met again. */
bool berth_authorization_is_met(const BerthAuthorization *authorization, const char *check);

/* The call makes an object of this name. Until it has ended, further calls of its client about that
 * name can await it (berth_authorization_await), so that a client need not wait between them. */
void berth_authorization_make(BerthAuthorization *authorization, const char *name);
/* What the call has begun continues after it has ended, until berth_authorizations_made(). */
void berth_authorizations_make_on(BerthAuthorizations *authorizations, sd_bus_message *call,
                                  const char *name);
/* made: it is there now, and the calls that await it run in the order in which they came.
 * Otherwise they are answered by NotFound. */
void berth_authorizations_made(BerthAuthorizations *authorizations, sd_bus_message *call,
                               const char *name, bool made);
/* Whether calls await it. */
bool berth_authorizations_are_awaiting(const BerthAuthorizations *set, sd_bus_message *call,
                                       const char *name);
/* 1 unless the client is making an object of this name; 0: the call waits for it, negative errno.
 */
int berth_authorization_await(BerthAuthorization *authorization, const char *name);
