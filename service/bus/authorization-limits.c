/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Limits on the number and size of a user's waiting calls. There is no state beyond that of the
 * authorizations. The one thing to know: calls that wait for an answer and calls that wait for an
 * object being created are counted separately, each with its own limit.
 */

#include "base/limits.h"
#include "bus/authorization-private.h"
#include "bus/limits.h"

/* Limits on the waiting calls of one user, or of one sender while its user is unknown. */
enum {
    MAX_WAITING_CALLS = 16,
    MAX_AWAITING_CALLS = 64,
    MAX_WAITING_BYTES = BERTH_MAX_CALL_BYTES,
};

const BerthCaller *berth_authorization_find_caller(const BerthAuthorization *authorization) {
    return berth_callers_find(authorization->set->callers,
                              sd_bus_message_get_sender(authorization->call));
}

/* Whether a call waits for an object being created (awaits) or else for an answer; each kind has
 * its own limit. A call in the queue of the bus still counts as the kind that it was. */
static bool is_waiting(const BerthAuthorization *authorization, bool awaits) {
    switch (authorization->state) {
    case AUTHORIZATION_AWAITING:
    case AUTHORIZATION_QUEUED_AS_MADE:
        return awaits;
    case AUTHORIZATION_ASKING_BUS:
    case AUTHORIZATION_ASKING_POLKIT:
    case AUTHORIZATION_QUEUED:
        return !awaits;
    case AUTHORIZATION_RUNNING:
    case AUTHORIZATION_ABANDONED:
        break;
    }
    return false;
}

/* Whether two calls count towards the same limit: they come from the same user, or from the same
 * sender whose user is not known yet. */
static bool is_of_same(const BerthAuthorization *a, const BerthAuthorization *b) {
    const BerthCaller *first = berth_authorization_find_caller(a),
                      *second = berth_authorization_find_caller(b);

    if (first && second)
        return first->uid == second->uid;
    return !first && !second &&
           g_strcmp0(sd_bus_message_get_sender(a->call), sd_bus_message_get_sender(b->call)) == 0;
}

/* Rewinds the message first, since the handler has already read the arguments. A size of 0 means
 * "not measured". */
static bool measure_call(BerthAuthorization *authorization) {
    if (authorization->bytes > 0)
        return true;
    if (sd_bus_message_rewind(authorization->call, 1) < 0 ||
        berth_limits_measure(authorization->call, &authorization->bytes) < 0)
        return false;
    authorization->bytes = MAX(authorization->bytes, 1);
    return true;
}

/* A waiting call is kept in full for as long as a person takes to type a password. Without a limit,
 * a user could fill the service's memory with large calls. Running and abandoned calls do not
 * count. */
bool berth_authorization_may_wait(BerthAuthorization *authorization, bool awaits) {
    const BerthCaller *caller = berth_authorization_find_caller(authorization);
    unsigned count = 0, limit = awaits ? MAX_AWAITING_CALLS : MAX_WAITING_CALLS;
    size_t bytes = 0;
    GHashTableIter iterator;
    gpointer value;

    if (!measure_call(authorization))
        return false;
    /* A caller that is not known yet may be root, about which polkit is not asked. */
    if (!awaits && caller && authorization->set->asked >= BERTH_MAX_QUESTIONS_IN_ALL) {
        authorization->exceeded_limit = BERTH_MAX_QUESTIONS_IN_ALL;
        return false;
    }
    if (!awaits && caller)
        count = berth_polkit_question_count_orphans(authorization->set, caller->uid);
    g_hash_table_iter_init(&iterator, authorization->set->calls);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthAuthorization *other = value;
        if (other == authorization || !is_waiting(other, awaits) ||
            !is_of_same(authorization, other))
            continue;
        count++;
        bytes += other->bytes;
    }
    authorization->exceeded_limit =
        count >= limit || bytes + authorization->bytes > MAX_WAITING_BYTES ? limit : 0;
    return authorization->exceeded_limit == 0;
}

/* Replaces the error that the handler has set for the failed question, which would be a refusal. */
int berth_authorization_refuse_to_wait(sd_bus_error *error, unsigned limit) {
    sd_bus_error_free(error);
    if (limit == BERTH_MAX_QUESTIONS_IN_ALL)
        return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "LimitExceeded",
                                 "too many calls of all users wait for an authorization; the "
                                 "limit is %d calls",
                                 (int)limit);
    return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "LimitExceeded",
                             "too many calls of this user wait for an authorization; the limits "
                             "are %d calls and %d bytes",
                             (int)limit, MAX_WAITING_BYTES);
}
