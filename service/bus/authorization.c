/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The authorization of one call. It is created when the call's handler first runs, and owned by the
 * set of all authorizations, with the message as the key. See authorization.h.
 *
 *     RUNNING ──► ASKING_BUS ────┐      the caller's credentials are not known yet
 *        │  ├───► ASKING_POLKIT ─┤
 *        │  └───► AWAITING ──────┤      another call of the client is creating the object
 *        │                       ▼
 *        │◄─────────────────── QUEUED   the answer is kept, the bus will dispatch the call again;
 *        │                       │      after AWAITING this is QUEUED_AS_MADE
 *        ▼                       │
 *      freed ◄────────────── ABANDONED  the caller has left: the handler does not run again
 *
 * A call with a resume function has already been answered: it is not queued, and resume runs
 * instead of the handler. It always ends; if the caller leaves, the end is a refusal.
 *
 * The questions are in authorization-questions.c, the limits on waiting calls in
 * authorization-limits.c.
 */

#include "bus/authorization-private.h"

#include "base/log.h"

#include <errno.h>

/* Dropping the slot cancels the question: its callback, which has this object as userdata, will not
 * run. */
static void authorization_free(gpointer data) {
    BerthAuthorization *authorization = data;

    berth_hold_free(authorization->hold);
    if (authorization->creating)
        berth_creations_end(authorization->set->creations, authorization->call,
                            authorization->creating, false);
    sd_bus_slot_unref(authorization->slot);
    berth_audit_drop(authorization->call);
    sd_bus_message_unref(authorization->call);
    g_hash_table_unref(authorization->verdicts);
    g_hash_table_unref(authorization->recorded);
    g_clear_pointer(&authorization->asked, g_ptr_array_unref);
    g_free(authorization->creating);
    g_free(authorization);
}

/* The table's key is the address of the message; the reference keeps that address from being
 * reused. */
static BerthAuthorization *authorization_new(BerthAuthorizations *set, sd_bus_message *call) {
    BerthAuthorization *authorization = g_new0(BerthAuthorization, 1);

    authorization->set = set;
    authorization->call = sd_bus_message_ref(call);
    authorization->hold = berth_hold_new(BERTH_HOLD_QUESTION);
    authorization->verdicts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    authorization->recorded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_hash_table_insert(set->calls, call, authorization);
    return authorization;
}

static void on_settled(sd_bus_message *call, const char *name, bool made, void *userdata);

BerthAuthorizations *berth_authorizations_new(sd_bus *bus, BerthCallers *callers) {
    BerthAuthorizations *set = g_new0(BerthAuthorizations, 1);

    set->bus = bus;
    set->callers = callers;
    set->calls = g_hash_table_new_full(NULL, NULL, NULL, authorization_free);
    set->orphans = berth_polkit_question_new_orphans();
    set->creations = berth_creations_new(sd_bus_get_event(bus), on_settled, set);
    return set;
}

void berth_authorizations_free(BerthAuthorizations *set) {
    if (!set)
        return;
    g_hash_table_unref(set->calls);
    g_ptr_array_unref(set->orphans);
    berth_creations_free(set->creations);
    g_free(set);
}

BerthAuthorization *berth_authorization_find(BerthAuthorizations *set, sd_bus_message *call) {
    return g_hash_table_lookup(set->calls, call);
}

void berth_authorization_forget(BerthAuthorizations *set, sd_bus_message *call) {
    g_hash_table_remove(set->calls, call);
}

void berth_authorization_set_authenticated(BerthAuthorization *authorization) {
    authorization->authenticated |= AUTHENTICATED_OPERATION;
}

/* A right to an object of another user is met only by its own question: a rule may require the
 * user's own password for the rest of the operation, but an administrator's for this right. */
AuthenticatedRights berth_authorization_get_right(const char *check) {
    return g_str_equal(check, "others") ? AUTHENTICATED_OTHERS : AUTHENTICATED_OPERATION;
}

bool berth_authorization_is_met(const BerthAuthorization *authorization, const char *check) {
    return authorization->authenticated & berth_authorization_get_right(check);
}

bool berth_authorization_is_authenticated(const BerthAuthorization *authorization) {
    return authorization->authenticated & AUTHENTICATED_OPERATION;
}

static void log_call(sd_bus_message *call) {
    const char *member;
    const char *interface = berth_permission_read_member(call, &member);
    g_autofree char *method = g_strconcat(interface ? interface : "", ".", member, NULL);

    berth_log_debug("BERTH_METHOD", method, "%s called by %s", method,
                    sd_bus_message_get_sender(call));
}

BerthAuthorization *berth_authorization_begin(BerthAuthorizations *set, sd_bus_message *call) {
    BerthAuthorization *authorization = berth_authorization_find(set, call);

    if (!authorization) {
        log_call(call);
        berth_audit_begin(call);
        return authorization_new(set, call);
    }
    if (authorization->state == AUTHORIZATION_ABANDONED) {
        berth_authorization_forget(set, call);
        return NULL;
    }
    authorization->state = AUTHORIZATION_RUNNING;
    return authorization;
}

/* An errno that the handler has returned is converted to the error name that sd-bus will send. */
static void settle_audit(BerthAuthorizations *set, sd_bus_message *call, int r,
                         const sd_bus_error *error) {
    g_auto(sd_bus_error) local = SD_BUS_ERROR_NULL;
    const BerthCaller *caller = berth_callers_find(set->callers, sd_bus_message_get_sender(call));

    if (!sd_bus_error_is_set(error) && r < 0)
        sd_bus_error_set_errno(&local, r);
    berth_audit_settle(call, caller, sd_bus_error_is_set(error) ? error->name : local.name);
}

/* In any state but RUNNING an answer is still to come, and the call has not ended. */
int berth_authorization_end(BerthAuthorizations *set, sd_bus_message *call, int r,
                            sd_bus_error *error) {
    BerthAuthorization *authorization = berth_authorization_find(set, call);

    if (authorization && authorization->exceeded_limit > 0 && r < 0)
        r = berth_authorization_refuse_to_wait(error, authorization->exceeded_limit);
    if (authorization && authorization->state != AUTHORIZATION_RUNNING)
        return r;
    settle_audit(set, call, r, error);
    berth_authorization_forget(set, call);
    return r;
}

static void run_resume(BerthAuthorization *authorization, sd_bus_message *call) {
    BerthAuthorizations *set = authorization->set;
    g_auto(sd_bus_error) none = SD_BUS_ERROR_NULL;

    authorization->state = AUTHORIZATION_RUNNING;
    authorization->resume(call, authorization->userdata);
    berth_authorization_end(set, call, 0, &none);
}

/* The authorization that the call had until it was answered has been freed; this is a new one,
 * without verdicts. */
void berth_authorization_run_later(BerthAuthorizations *set, sd_bus_message *call,
                                   BerthAuthorizationResume resume, void *userdata) {
    BerthAuthorization *authorization = authorization_new(set, call);

    authorization->resume = resume;
    authorization->userdata = userdata;
    run_resume(authorization, authorization->call);
}

/* An answer has arrived: the handler gets the call again, after the messages that have arrived in
 * the meantime. If the bus cannot queue the call, it is answered here, since nothing else would.
 * The reference keeps the call alive when the authorization is freed. */
void berth_authorization_resume(BerthAuthorization *authorization) {
    BerthAuthorizations *set = authorization->set;
    g_autoptr(sd_bus_message) call = sd_bus_message_ref(authorization->call);
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;

    sd_bus_message_rewind(call, 1);
    if (authorization->resume) {
        run_resume(authorization, call);
        return;
    }
    authorization->state = authorization->state == AUTHORIZATION_AWAITING
                               ? AUTHORIZATION_QUEUED_AS_MADE
                               : AUTHORIZATION_QUEUED;
    int r = sd_bus_enqueue_for_read(set->bus, call);
    if (r >= 0)
        return;
    sd_bus_error_set_errno(&error, r);
    sd_bus_reply_method_error(call, &error);
    settle_audit(set, call, r, &error);
    berth_authorization_forget(set, call);
}

/* For a call that has already been answered: its resume function runs once more, and every check
 * then fails, as for a caller without credentials. */
static void authorization_give_up(BerthAuthorizations *set, sd_bus_message *call) {
    BerthAuthorization *authorization = berth_authorization_find(set, call);

    if (!authorization)
        return;
    authorization->slot = sd_bus_slot_unref(authorization->slot);
    g_clear_pointer(&authorization->asked, g_ptr_array_unref);
    authorization->uid_failed = true;
    berth_authorization_resume(authorization);
}

static void unref_message(gpointer message) {
    sd_bus_message_unref(message);
}

static bool is_queued(const BerthAuthorization *authorization) {
    return authorization->state == AUTHORIZATION_QUEUED ||
           authorization->state == AUTHORIZATION_QUEUED_AS_MADE;
}

/* The caller has left: no reply is sent, and nothing that it requested is done. A call in the queue
 * of the bus cannot be removed; it is marked instead, and berth_authorization_begin() drops it. */
void berth_authorizations_drop_client(BerthAuthorizations *set, const char *client) {
    g_autoptr(GPtrArray) answered = g_ptr_array_new_with_free_func(unref_message);
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, set->calls);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        BerthAuthorization *authorization = value;
        if (g_strcmp0(sd_bus_message_get_sender(authorization->call), client) != 0)
            continue;
        if (authorization->resume)
            g_ptr_array_add(answered, sd_bus_message_ref(authorization->call));
        else if (is_queued(authorization))
            authorization->state = AUTHORIZATION_ABANDONED;
        else
            g_hash_table_iter_remove(&iterator);
    }
    /* After the loop, since resuming a call modifies the table. */
    for (guint i = 0; i < answered->len; i++)
        authorization_give_up(set, answered->pdata[i]);
}

/* The handler runs again after each answer, but the creation is recorded only once. */
void berth_authorization_make(BerthAuthorization *authorization, const char *name) {
    if (authorization->creating)
        return;
    authorization->creating = g_strdup(name);
    berth_creations_begin(authorization->set->creations, authorization->call, name);
}

void berth_authorizations_extend_creation(BerthAuthorizations *set, sd_bus_message *call,
                                          const char *name) {
    berth_creations_begin(set->creations, call, name);
}

void berth_authorizations_end_creation(BerthAuthorizations *set, sd_bus_message *call,
                                       const char *name, bool made) {
    berth_creations_end(set->creations, call, name, made);
}

bool berth_authorizations_are_awaiting(const BerthAuthorizations *set, sd_bus_message *call,
                                       const char *name) {
    return berth_creations_is_awaited(set->creations, call, name);
}

int berth_authorization_await(BerthAuthorization *authorization, const char *name) {
    BerthCreations *creations = authorization->set->creations;

    if (!berth_creations_has(creations, authorization->call, name))
        return 1;
    if (!berth_authorization_may_wait(authorization, true))
        return -EDQUOT;
    berth_creations_await(creations, authorization->call, name);
    authorization->state = AUTHORIZATION_AWAITING;
    return 0;
}

/* Whether the call would have been allowed is not checked: the object does not exist, and the
 * client, whose own call failed to create it, knows that. */
static void refuse_awaiting(BerthAuthorizations *set, sd_bus_message *call, const char *name) {
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
    int r = sd_bus_error_setf(&error, BERTH_ERROR_PREFIX "NotFound", "there is no %s \"%.100s\"",
                              "container", name);

    sd_bus_reply_method_error(call, &error);
    settle_audit(set, call, r, &error);
    berth_authorization_forget(set, call);
}

/* The client may have left the bus; the authorization has then been freed. */
static void on_settled(sd_bus_message *call, const char *name, bool made, void *userdata) {
    BerthAuthorizations *set = userdata;
    BerthAuthorization *authorization = berth_authorization_find(set, call);

    if (!authorization || authorization->state != AUTHORIZATION_AWAITING)
        return;
    if (made)
        berth_authorization_resume(authorization);
    else
        refuse_awaiting(set, call, name);
}
