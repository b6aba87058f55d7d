/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An operation is work that needs more than one turn of the event loop: a pull, a question to a
 * registry, a collection. It is begun with the object that does the work and ends once. The first
 * end counts, whether it is a result or an error; later ones are ignored. The object is told and
 * freed in a turn of its own, the very next one, so that code that finds an end in the middle of
 * something never sees its object disappear, and no reply of a worker comes in between.
 *
 * While an operation lasts, it holds the service (base/hold.h).
 */

#pragma once

#include "base/error.h"

#include <systemd/sd-event.h>

typedef struct BerthOperation BerthOperation;

typedef struct {
    /* Reports to the waiter how the object ended. NULL if there is no waiter. */
    void (*tell)(void *object, const GError *error);
    /* Frees the object and stops everything that it has under way. */
    void (*free)(void *object);
    /* Handles a cancellation. NULL: it ends the operation. */
    void (*cancel)(void *object, const GError *error);
} BerthOperationType;

BerthOperation *berth_operation_new(sd_event *event, const BerthOperationType *type, void *object);

/* Ends it; NULL: with a result, which the object holds. */
void berth_operation_end(BerthOperation *operation, const GError *error);
bool berth_operation_has_ended(const BerthOperation *operation);
/* Ends it with this error, unless its type handles that. */
void berth_operation_cancel(BerthOperation *operation, const GError *error);
/* Frees object and operation at once and tells nobody. Not for the object's own functions, which
 * would continue with freed memory; NULL is fine. */
void berth_operation_abandon(BerthOperation *operation);

/* What would make the result unwanted: the caller's end (caller is what the operation will tell,
 * usually a call on the bus that waits), or that a client leaves the bus. Either may be NULL. */
void berth_operation_set_caller(BerthOperation *operation, const void *caller, const char *client);
void berth_operations_cancel_of_caller(const void *caller);
void berth_operations_cancel_of_client(const char *client);
