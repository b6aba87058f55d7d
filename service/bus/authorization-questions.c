/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The questions that a call's authorization asks: it asks the bus for the caller's credentials, and
 * polkit for decisions. Several questions can be pending with polkit at once; the handler runs
 * again when all of them have been answered. Each decision is recorded for the audit when the
 * handler comes to it, in the handler's order.
 */

#include "bus/authorization-private.h"

#include <errno.h>

/* How many questions of all calls may be pending with polkit at once, in addition to one per
 * call. */
enum { MAX_QUESTIONS_AT_ONCE = 32 };

static int on_credentials(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    BerthAuthorization *authorization = userdata;

    (void)error;
    authorization->slot = sd_bus_slot_unref(authorization->slot);
    authorization->uid_failed = !berth_callers_learn(
        authorization->set->callers, sd_bus_message_get_sender(authorization->call), reply);
    berth_authorization_resume(authorization);
    return 0;
}

int berth_authorization_find_uid(BerthAuthorization *authorization, uint32_t *uid) {
    const char *sender = sd_bus_message_get_sender(authorization->call);
    const BerthCaller *caller = berth_authorization_find_caller(authorization);

    if (!sender || authorization->uid_failed)
        return -EACCES;
    if (caller) {
        *uid = caller->uid;
        return 1;
    }
    if (!berth_authorization_may_wait(authorization, false))
        return -EDQUOT;
    int r = berth_callers_ask(authorization->set->callers, &authorization->slot, sender,
                              on_credentials, authorization);
    if (r < 0)
        return r;
    authorization->state = AUTHORIZATION_ASKING_BUS;
    return 0;
}

/* If the limit on waiting calls forbids it, the call keeps its own error. */
bool berth_authorization_ask_for_record(BerthAuthorization *authorization) {
    unsigned limit = authorization->exceeded_limit;
    uint32_t uid;

    if (authorization->state != AUTHORIZATION_RUNNING ||
        !berth_audit_follows_call(authorization->call))
        return false;
    bool asking = berth_authorization_find_uid(authorization, &uid) == 0;
    authorization->exceeded_limit = limit;
    return asking;
}

/* The handler runs again once all answers have arrived. */
static int question_on_verdict(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    BerthPolkitQuestion *asked = userdata;
    BerthAuthorization *authorization = asked->authorization;

    (void)error;
    asked->slot = sd_bus_slot_unref(asked->slot);
    if (!authorization) {
        g_ptr_array_remove_fast(asked->set->orphans, asked);
        return 0;
    }
    g_hash_table_insert(authorization->verdicts, g_steal_pointer(&asked->key),
                        GINT_TO_POINTER(berth_polkit_read_verdict(reply)));
    g_ptr_array_remove_fast(authorization->asked, asked);
    if (authorization->asked->len == 0)
        berth_authorization_resume(authorization);
    return 0;
}

/* The state changes together with the question: a call that waits does not end when its handler
 * returns. */
static int ask_polkit(BerthAuthorization *authorization, const BerthQuestion *question) {
    const BerthCaller *caller = berth_authorization_find_caller(authorization);
    BerthPolkitQuestion *asked = g_new0(BerthPolkitQuestion, 1);

    asked->set = authorization->set;
    asked->authorization = authorization;
    asked->uid = caller ? caller->uid : UINT32_MAX;
    authorization->set->asked++;
    asked->key = berth_question_make_key(question);
    int r = berth_polkit_ask(authorization->set->bus, &asked->slot,
                             sd_bus_message_get_sender(authorization->call), question,
                             question_on_verdict, asked);
    if (r < 0) {
        berth_polkit_question_free(asked);
        return r;
    }
    if (!authorization->asked)
        authorization->asked = g_ptr_array_new_with_free_func(berth_polkit_question_leave);
    g_ptr_array_add(authorization->asked, asked);
    authorization->state = AUTHORIZATION_ASKING_POLKIT;
    return 0;
}

static guint count_asked(const BerthAuthorization *authorization) {
    return authorization->asked ? authorization->asked->len : 0;
}

/* Each call may always have one pending question, whatever the number of others: no user can block
 * the questions of another user. */
static bool may_ask(const BerthAuthorization *authorization) {
    return count_asked(authorization) == 0 || authorization->set->asked < MAX_QUESTIONS_AT_ONCE;
}

/* Whether the question has been answered or is pending. */
static bool is_asked(const BerthAuthorization *authorization, const BerthQuestion *question) {
    g_autofree char *key = berth_question_make_key(question);

    for (guint i = 0; i < count_asked(authorization); i++)
        if (g_str_equal(((BerthPolkitQuestion *)authorization->asked->pdata[i])->key, key))
            return true;
    return g_hash_table_contains(authorization->verdicts, key);
}

/* If one question cannot be sent, none is kept: the call ends with the error, and no answer may
 * reach it any more. */
int berth_authorization_prepare(BerthAuthorization *authorization, const BerthQuestion *questions,
                                size_t count) {
    uint32_t uid;
    int r = berth_authorization_find_uid(authorization, &uid);

    if (r <= 0 || uid == 0)
        return r;
    for (size_t i = 0; i < count && may_ask(authorization); i++) {
        if (is_asked(authorization, &questions[i]))
            continue;
        r = count_asked(authorization) > 0 || berth_authorization_may_wait(authorization, false)
                ? ask_polkit(authorization, &questions[i])
                : -EDQUOT;
        if (r < 0) {
            g_clear_pointer(&authorization->asked, g_ptr_array_unref);
            authorization->state = AUTHORIZATION_RUNNING;
            return r;
        }
    }
    return count_asked(authorization) == 0;
}

/* Records each decision once, however often the handler runs. A listing that leaves out objects of
 * other users has not been refused anything: the checks "sight" and "images" are recorded only if
 * granted. */
static void question_record_decision(BerthAuthorization *authorization,
                                     const BerthQuestion *question, BerthAuditVerdict verdict) {
    char *key = berth_question_make_key(question);

    if (!g_hash_table_add(authorization->recorded, key) ||
        (verdict != BERTH_AUDIT_GRANTED && (g_str_equal(question->permission->check, "sight") ||
                                            g_str_equal(question->permission->check, "images"))))
        return;
    berth_audit_decision(authorization->call, berth_authorization_find_caller(authorization),
                         question->permission, question->details, verdict);
}

/* Root is granted everything without a question, so that the service also works without polkit. */
int berth_authorization_decide(BerthAuthorization *authorization, const BerthQuestion *question,
                               BerthAuditVerdict *verdict) {
    g_autofree char *key = berth_question_make_key(question);
    gpointer value = GINT_TO_POINTER(BERTH_AUDIT_GRANTED);
    uint32_t uid;
    int r = berth_authorization_find_uid(authorization, &uid);

    if (r <= 0)
        return r;
    if (uid != 0 && !g_hash_table_lookup_extended(authorization->verdicts, key, NULL, &value))
        return berth_authorization_may_wait(authorization, false)
                   ? ask_polkit(authorization, question)
                   : -EDQUOT;
    *verdict = (BerthAuditVerdict)GPOINTER_TO_INT(value);
    question_record_decision(authorization, question, *verdict);
    return 1;
}

/* Asks polkit without interaction first: only if that leads to a challenge does a later grant come
 * from the user and not from a rule. */
int berth_authorization_decide_covering(BerthAuthorization *authorization,
                                        const BerthQuestion *question, BerthAuditVerdict *verdict) {
    BerthQuestion alone = *question;

    alone.interactive = false;
    int r = berth_authorization_decide(authorization, &alone, verdict);
    if (r <= 0 || *verdict != BERTH_AUDIT_CHALLENGE || !question->interactive)
        return r;
    r = berth_authorization_decide(authorization, question, verdict);
    AuthenticatedRights met = berth_authorization_get_right(question->permission->check);
    if (r > 0 && *verdict == BERTH_AUDIT_GRANTED)
        authorization->authenticated |= met;
    else
        authorization->authenticated &= ~(unsigned)met;
    return r;
}
