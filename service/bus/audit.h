/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The audit: journal records of granted and refused rights and of changes, each with its user,
 * which "dist audit" shows. A decision is an answer to a question in the table of rights
 * (bus/permissions.h); decisions for root are recorded only for members that change something. A
 * change is a call of such a member, recorded once with its result: when it is answered, or when
 * the transfer that it started has ended. The one thing to know: no option value, no argument
 * except the object's name, and no error message is recorded, so that no credential ends up in the
 * journal; credentials in names are removed.
 */

#pragma once

#include "bus/caller.h"
#include "bus/permissions.h"
#include "transfers/transfer.h"

typedef enum {
    BERTH_AUDIT_GRANTED,
    BERTH_AUDIT_REFUSED,
    BERTH_AUDIT_CHALLENGE, /* the user or an administrator would have to authenticate */
} BerthAuditVerdict;

/* Sets up the tables. Timers run in this loop. */
void berth_audit_open(sd_event *event);
/* Records the changes that are still pending as unanswered, and frees the tables. */
void berth_audit_close(void);

/* Records the answer to the question of a row; details is a NULL-terminated list of pairs of key
 * and value. */
void berth_audit_decision(sd_bus_message *call, const BerthCaller *caller,
                          const BerthPermission *permission, char *const *details,
                          BerthAuditVerdict verdict);

/* Called when a call has arrived. A call of a member that changes nothing is not followed. */
void berth_audit_begin(sd_bus_message *call);
/* Whether the call changes something and has not ended yet. */
bool berth_audit_follows_call(sd_bus_message *call);
/* Called when the handler has returned, with the name of its error or NULL. Unless the call is
 * held, that is the call's result. caller may be NULL. */
void berth_audit_settle(sd_bus_message *call, const BerthCaller *caller, const char *error_name);
/* Marks the call as answered later: berth_audit_release() then ends it, with the name of its error
 * reply or none as the result. */
void berth_audit_hold(sd_bus_message *call);
/* Ends a held call. */
void berth_audit_release(sd_bus_message *call);
/* Drops the call's change without a record. */
void berth_audit_drop(sd_bus_message *call);
/* Makes the result of the transfer the result of the call. */
void berth_audit_follow(sd_bus_message *call, const BerthTransfer *transfer);
/* Records the end of a transfer that is followed; ignores any other. */
void berth_audit_transfer_ended(const BerthTransfer *transfer);
/* Follows a transfer that continues after a restart of the service, for which no call is known. */
void berth_audit_adopt(const BerthTransfer *transfer);
