/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Authorization of callers. polkit decides on every call and receives the subject of the call as
 * details; it is not asked about root, to which it grants everything. The questions are in
 * permissions.c. Asking takes time, so a method handler is written as if the answer were already
 * known, and it runs again, from its beginning, once it is: the message is put back into the queue
 * of the bus (berth_dispatch_add registers handlers such that this works):
 *
 *     r = berth_access_check(service->access, call, error, "pull", "reference", reference, NULL);
 *     if (r != BERTH_ACCESS_GRANTED)
 *         return r;
 *
 * So a handler must not change anything before its last check. A verdict holds for exactly these
 * details: if they change while polkit is being asked, polkit is asked again.
 */

#pragma once

#include "base/bus-error.h"
#include "bus/callers.h"

#include <systemd/sd-event.h>

typedef struct BerthAccess BerthAccess;

/* Fails if the bus cannot be watched for clients that leave. Must not outlive the bus. */
BerthAccess *berth_access_new(sd_bus *bus, GError **error);
void berth_access_free(BerthAccess *access);

enum {
    BERTH_ACCESS_ASKING = 1, /* the handler returns this ("handled") and will run again */
    BERTH_ACCESS_GRANTED = 2,
};

/* Runs the handler of a call that the bus has dispatched, for the first time or again. The
 * functions below may only be called by handlers that run inside this one. */
int berth_access_run(BerthAccess *access, sd_bus_message *call, sd_bus_message_handler_t handler,
                     void *userdata, sd_bus_error *error);

/* Makes checks after the call has been answered. resume is called at once, and again after each
 * answer until it waits for no further one. If the caller leaves the bus, it is called once more,
 * and its checks are refused. */
typedef void (*BerthAccessResume)(sd_bus_message *call, void *userdata);
void berth_access_run_later(BerthAccess *access, sd_bus_message *call, BerthAccessResume resume,
                            void *userdata);
/* Whether the user has authenticated for a check that covers the member's other checks, or for an
 * operation that this call is part of. If so, berth_access_check_many does not ask the user again
 * and only consults rules. */
bool berth_access_is_authenticated(BerthAccess *access, sd_bus_message *call);
/* Records that the user has already authenticated for the operation that this call is part of. */
void berth_access_set_authenticated(BerthAccess *access, sd_bus_message *call);
/* Ensures that resume is not called again. */
void berth_access_forget(BerthAccess *access, sd_bus_message *call);

/* Makes the named check of the call's member. Returns BERTH_ACCESS_GRANTED or BERTH_ACCESS_ASKING,
 * or a negative errno with error set if refused. The details are a NULL-terminated list of pairs of
 * key and value and must have exactly the keys of the row; a pair whose value is NULL is left out
 * of the question. */
int berth_access_check(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                       const char *check, ...) G_GNUC_NULL_TERMINATED;

/* Like berth_access_check, but a user who has authenticated for a check that covers this one is not
 * asked again: only rules are consulted. */
int berth_access_check_rest(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                            const char *check, ...) G_GNUC_NULL_TERMINATED;

/* Whether the call's member has a check with this name. */
bool berth_access_has_check(sd_bus_message *call, const char *check);

/* Like berth_access_check, for several lists of details of one check. Rules decide on each list
 * separately; the user is asked once for everything that they leave undecided. */
int berth_access_check_many(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                            const char *check, GPtrArray *lists);
/* Creates such a list from NULL-terminated pairs. The strings are borrowed. */
GPtrArray *berth_access_new_details(const char *key, ...) G_GNUC_NULL_TERMINATED;

/* Like berth_access_check, but returns a refusal as an answer in *granted. Never asks the user to
 * authenticate. */
int berth_access_query(BerthAccess *access, sd_bus_message *call, bool *granted, const char *check,
                       ...) G_GNUC_NULL_TERMINATED;

/* Like berth_access_query, with a list made by berth_access_new_details. */
int berth_access_query_details(BerthAccess *access, sd_bus_message *call, bool *granted,
                               const char *check, GPtrArray *details);

/* An object that has an owner and that may have to be hidden from other users. */
typedef struct {
    const char *key;  /* the detail that has its name */
    const char *kind; /* the object's kind in messages for users */
    const char *name;
    bool exists;
    uint32_t owner;
} BerthOwnedObject;

/* Makes the check "own" or "others" for a caller that may know about the object. All other callers
 * get NotFound, exactly as for an object that does not exist. If the member has no such row, the
 * right "see" is sufficient. */
int berth_access_check_owned(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                             const BerthOwnedObject *object, ...) G_GNUC_NULL_TERMINATED;
/* Like berth_access_check_owned, with several lists of details as in berth_access_check_many. */
int berth_access_check_owned_many(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                                  const BerthOwnedObject *object, GPtrArray *lists);

/* Sets *uid to the caller's uid if it returns BERTH_ACCESS_GRANTED. Returns the same values as
 * berth_access_check, but never asks polkit. */
int berth_access_get_uid(BerthAccess *access, sd_bus_message *call, uint32_t *uid);

/* Returns the credentials of a client that the bus has been asked about; NULL if there are none. */
const BerthCaller *berth_access_find_caller(BerthAccess *access, const char *client);

/* Called by the handler of a call that creates an object, before its first check: from then on,
 * calls of the same client about this name wait for the object. berth_access_extend_creation()
 * prolongs this until the operation that the handler has begun calls berth_access_end_creation()
 * with its result. */
void berth_access_begin_creation(BerthAccess *access, sd_bus_message *call, const char *name);
void berth_access_extend_creation(BerthAccess *access, sd_bus_message *call, const char *name);
void berth_access_end_creation(BerthAccess *access, sd_bus_message *call, const char *name,
                               bool made);
/* Whether any such call is waiting. */
bool berth_access_is_awaited(BerthAccess *access, sd_bus_message *call, const char *name);
/* Called by the handlers of such calls. They continue on BERTH_ACCESS_GRANTED and return any other
 * value. */
int berth_access_await(BerthAccess *access, sd_bus_message *call, const char *name);

/* Looks up the uid of a client that the bus has been asked about. */
bool berth_access_find_uid(BerthAccess *access, const char *client, uint32_t *uid);

/* Sets the function to be called when a client has left the bus. */
void berth_access_on_peer_left(BerthAccess *access, BerthPeerLeft left, void *userdata);
