/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who may do what: polkit decides, for every call, with what it concerns as details; root needs no
 * question, as polkit itself has it. What is asked is in permissions.c. Asking takes time, so a
 * method handler is written as if the answer were known, and is called again, with the same
 * message, once it is (berth_dispatch_add registers handlers so that this works):
 *
 *     int r = berth_access_check(service->access, call, error, "pull", "reference", reference,
 * NULL); if (r != BERTH_ACCESS_GRANTED) return r;
 *
 * A verdict is for exactly these details: if they change while polkit is asked, it is asked anew.
 */

#pragma once

#include "base/bus-error.h"
#include "bus/audit.h"

#include <systemd/sd-event.h>

typedef struct BerthAccess BerthAccess;

BerthAccess *berth_access_new(sd_bus *bus, GError **error);
void berth_access_free(BerthAccess *access);

enum {
    BERTH_ACCESS_ASKING = 1, /* the handler returns this, "handled", and will be called again */
    BERTH_ACCESS_GRANTED = 2,
};

/* Calls a handler, and calls it again when what it asked for has been answered. Everything below is
 * for handlers that are called by this. */
int berth_access_run(BerthAccess *access, sd_bus_message *call, sd_bus_message_handler_t handler,
                     void *userdata, sd_bus_error *error);

/* The same for a call that has been answered: the handler is always called to its end, with a
 * refusal when the caller has left, and answers nothing itself. */
void berth_access_run_later(BerthAccess *access, sd_bus_message *call,
                            sd_bus_message_handler_t handler, void *userdata);
/* That is not to go on. */
void berth_access_forget(BerthAccess *access, sd_bus_message *call);

/* Makes the check of that name of the call's member. One of the above; negative: refused, error is
 * set. The details are pairs of a key and a value, ended by NULL: those of the row, no other and
 * all of them; one whose value is NULL is left out of the question. */
int berth_access_check(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
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

/* Something that has an owner, and that others than its owner may not know of. */
typedef struct {
    const char *key;  /* of its name among the details */
    const char *kind; /* the same for the user */
    const char *name;
    bool exists;
    uint32_t owner;
} BerthOwned;

/* Makes the check "own" or "others", for who may know of the object; for everybody else it is not
 * there, exactly as one that is not there. A member without the row needs no right of that kind
 * beyond "see". */
int berth_access_check_owned(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                             const BerthOwned *object, ...) G_GNUC_NULL_TERMINATED;

/* The caller's uid, where it returns BERTH_ACCESS_GRANTED. */
int berth_access_get_uid(BerthAccess *access, sd_bus_message *call, uint32_t *uid);

/* The uid of a client that has been asked for before. */
bool berth_access_find_uid(BerthAccess *access, const char *client, uint32_t *uid);

/* What is known of such a client, until it leaves; NULL: nothing. */
const BerthCaller *berth_access_find_caller(BerthAccess *access, const char *client);

/* Told when a client leaves the bus. */
typedef void (*BerthPeerLeft)(const char *peer, void *userdata);
void berth_access_on_peer_left(BerthAccess *access, BerthPeerLeft left, void *userdata);

/* Calls that wait for polkit or for the bus. */
unsigned berth_access_count_pending(BerthAccess *access);
