/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The audit: records in the journal of rights that were granted or refused and of changes, each
 * with its user, for "dist audit". A decision is an answer to a question of the table of rights
 * (bus/permissions.h); root's are recorded only for members that change something. A change is a
 * call of such a member, recorded once with its result: when it is answered, or when the transfer
 * that it began has ended. The one thing to know: no value of an option, no argument beyond the
 * object's name, and no error message gets here, so that no credential does; names that hold one
 * are cut.
 */

#pragma once

#include "bus/caller.h"
#include "bus/permissions.h"
#include "transfers/transfer.h"

typedef enum {
    BERTH_AUDIT_GRANTED,
    BERTH_AUDIT_REFUSED,
    BERTH_AUDIT_CHALLENGE, /* an administrator would have to authenticate */
} BerthAuditVerdict;

/* Timers are from this loop. */
void berth_audit_open(sd_event *event);
void berth_audit_close(void);

/* A question of that row was answered; details are key, value, …, NULL. */
void berth_audit_decision(sd_bus_message *call, const BerthCaller *caller,
                          const BerthPermission *permission, char *const *details,
                          BerthAuditVerdict verdict);

/* A call has come; one of a member that changes nothing is not followed. */
void berth_audit_begin(sd_bus_message *call);
/* Its handler has ends, with this error or NULL; unless the call is held, that is its
 * result. caller may be NULL. */
void berth_audit_settle(sd_bus_message *call, const BerthCaller *caller, const char *error_name);
/* It is answered later: its result is the error that it is answered with, or none. */
void berth_audit_hold(sd_bus_message *call);
void berth_audit_release(sd_bus_message *call);
/* Nothing came of it. */
void berth_audit_drop(sd_bus_message *call);
/* Its result is that of the transfer. */
void berth_audit_follow(sd_bus_message *call, const BerthTransfer *transfer);
void berth_audit_transfer_ended(const BerthTransfer *transfer);
/* One that continues after the service has been away, for which no call is known. */
void berth_audit_adopt(const BerthTransfer *transfer);
