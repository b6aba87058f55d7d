/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An operation is work that needs more than one iteration of the event loop: a pull, a query to a
 * registry, a collection. It is begun with the object that does the work, and ends once. The first
 * end counts, whether it is a result or an error; later ones are ignored. The object reports and is
 * freed in a separate iteration of the loop, the very next one. Code in the middle of which the
 * operation ends therefore never sees its object disappear, and no reply from a worker is handled
 * in between.
 *
 * While an operation runs, it holds the service (base/hold.h).
 */

#pragma once

#include "base/error.h"

#include <systemd/sd-event.h>

typedef struct BerthOperation BerthOperation;

typedef struct {
    /* Reports to the waiter how the operation has ended. NULL if there is no waiter. */
    void (*tell)(void *object, const GError *error);
    /* Frees the object and stops everything that it has pending. */
    void (*free)(void *object);
    /* Handles a cancellation. NULL: the cancellation ends the operation. */
    void (*cancel)(void *object, const GError *error);
} BerthOperationType;

/* Begins an operation, which owns object from now on. */
BerthOperation *berth_operation_new(sd_event *event, const BerthOperationType *type, void *object);

/* Ends the operation, with an error or, if NULL, with a result, which is in the object. */
void berth_operation_end(BerthOperation *operation, const GError *error);
bool berth_operation_has_ended(const BerthOperation *operation);
/* Ends the operation with this error, unless its type handles cancellation. */
void berth_operation_cancel(BerthOperation *operation, const GError *error);
/* Frees the object and the operation immediately, without a report; NULL is ignored. Must not be
 * called by the object's own functions, which would continue with freed memory. */
void berth_operation_abandon(BerthOperation *operation);

/* Sets the conditions under which the result is no longer wanted: the end of the caller (the object
 * to which the operation will report, usually a pending call on the bus), or a client leaving the
 * bus. Either may be NULL. */
void berth_operation_set_caller(BerthOperation *operation, const void *caller, const char *client);
/* Cancel all operations with this caller, or this client. */
void berth_operations_cancel_of_caller(const void *caller);
void berth_operations_cancel_of_client(const char *client);
