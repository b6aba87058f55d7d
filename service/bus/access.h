/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The rights of callers: polkit decides about every call, and gets as details what the call is
 * about; for root it is not asked, since it grants root everything. The questions are in
 * permissions.c. Asking takes time: a method handler is written as if the answer were known, and
 * runs again, from its beginning, once it is, because the bus is given the same message again
 * (berth_dispatch_add registers handlers so that this works):
 *
 *     r = berth_access_check(service->access, call, error, "pull", "reference", reference, NULL);
 *     if (r != BERTH_ACCESS_GRANTED)
 *         return r;
 *
 * So a handler changes nothing before its last check. A verdict is for exactly these details: if
 * they change while polkit is asked, it is asked again.
 */

#pragma once

#include "base/bus-error.h"
#include "bus/callers.h"

#include <systemd/sd-event.h>

typedef struct BerthAccess BerthAccess;

BerthAccess *berth_access_new(sd_bus *bus, GError **error);
void berth_access_free(BerthAccess *access);

enum {
    BERTH_ACCESS_ASKING = 1, /* the handler returns this, "handled", and will run again */
    BERTH_ACCESS_GRANTED = 2,
};

/* Runs the handler of a call that the bus has dispatched, for the first time or again. Everything
 * below is for handlers that are run by this. */
int berth_access_run(BerthAccess *access, sd_bus_message *call, sd_bus_message_handler_t handler,
                     void *userdata, sd_bus_error *error);

/* For checks after the call has been answered: resume is called now and again after each answer
 * until it waits for no further one, with a refusal if the caller leaves. */
typedef void (*BerthAccessResume)(sd_bus_message *call, void *userdata);
void berth_access_run_later(BerthAccess *access, sd_bus_message *call, BerthAccessResume resume,
                            void *userdata);
/* Whether the user has authenticated for a check that covers the member's others, or for an
 * operation that this call is a part of: then berth_access_check_many asks rules alone. */
bool berth_access_is_authenticated(BerthAccess *access, sd_bus_message *call);
void berth_access_set_authenticated(BerthAccess *access, sd_bus_message *call);
/* resume is not called any more. */
void berth_access_forget(BerthAccess *access, sd_bus_message *call);

/* Makes the check of that name of the call's member. One of the above; negative: refused, error is
 * set. The details are pairs of a key and a value, ended by NULL: those of the row, no other and
 * all of them; one whose value is NULL is left out of the question. */
int berth_access_check(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                       const char *check, ...) G_GNUC_NULL_TERMINATED;

/* The same, but a user who has authenticated for a check that covers this one is not asked again:
 * only rules are. */
int berth_access_check_rest(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                            const char *check, ...) G_GNUC_NULL_TERMINATED;

/* Whether the call's member has a check of that name. */
bool berth_access_has_check(sd_bus_message *call, const char *check);

/* The same for each of several lists of details, which are all of one check: what a rule decides,
 * it decides for each; the user is asked once for what is left. */
int berth_access_check_many(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                            const char *check, GPtrArray *lists);
/* Such a list: pairs, ended by NULL, which stay the caller's. */
GPtrArray *berth_access_new_details(const char *key, ...) G_GNUC_NULL_TERMINATED;

/* The same as berth_access_check, but a refusal is an answer too, in *granted. Never asks the user
 * for a password. */
int berth_access_query(BerthAccess *access, sd_bus_message *call, bool *granted, const char *check,
                       ...) G_GNUC_NULL_TERMINATED;

/* The same with a list of details, as of berth_access_new_details. */
int berth_access_query_details(BerthAccess *access, sd_bus_message *call, bool *granted,
                               const char *check, GPtrArray *details);

/* Something that has an owner, and of which other users may not know. */
typedef struct {
    const char *key;  /* of its name among the details */
    const char *kind; /* the same for the user */
    const char *name;
    bool exists;
    uint32_t owner;
} BerthOwnedObject;

/* Makes the check "own" or "others" for a caller that may know of the object. For every other
 * caller the answer is NotFound, exactly as for an object that does not exist. A member without the
 * row needs no right of that kind beyond "see". */
int berth_access_check_owned(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                             const BerthOwnedObject *object, ...) G_GNUC_NULL_TERMINATED;
/* The same for several lists of details, as berth_access_check_many. */
int berth_access_check_owned_many(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                                  const BerthOwnedObject *object, GPtrArray *lists);

/* The caller's uid, if it returns BERTH_ACCESS_GRANTED; as berth_access_check, but never asks
 * polkit. */
int berth_access_get_uid(BerthAccess *access, sd_bus_message *call, uint32_t *uid);

/* What is known of a client that has been asked for before; NULL. */
const BerthCaller *berth_access_find_caller(BerthAccess *access, const char *client);

/* For the handler of a call that makes an object, before its first check: calls about the name that
 * its client sends meanwhile wait for it. The operation that the handler begins says with the other
 * two how long that is, and how it ended. */
void berth_access_make(BerthAccess *access, sd_bus_message *call, const char *name);
void berth_access_make_on(BerthAccess *access, sd_bus_message *call, const char *name);
void berth_access_made(BerthAccess *access, sd_bus_message *call, const char *name, bool made);
/* Whether any came already. */
bool berth_access_is_awaited(BerthAccess *access, sd_bus_message *call, const char *name);
/* For the handlers of those: BERTH_ACCESS_GRANTED, or what they return. */
int berth_access_await(BerthAccess *access, sd_bus_message *call, const char *name);

/* The uid of a client that has been asked for before. */
bool berth_access_find_uid(BerthAccess *access, const char *client, uint32_t *uid);

/* Called when a client has left the bus. */
void berth_access_on_peer_left(BerthAccess *access, BerthPeerLeft left, void *userdata);
