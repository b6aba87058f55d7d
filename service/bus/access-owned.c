/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checks on objects that have an owner and that must stay hidden from other users. The functions
 * keep no state. The one thing to know: if the caller may not learn that an object exists, both the
 * questions to polkit (their contents and their number) and the reply are the same as for an object
 * that does not exist. See access.h.
 */

#include "bus/access-private.h"

/* (uid_t)-1, which is never a valid user. */
#define NOBODY "4294967295"

static int set_not_found(sd_bus_error *error, const BerthOwnedObject *object) {
    return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "NotFound", "there is no %s \"%.100s\"",
                             object->kind, object->name);
}

/* Returns the details of the check "others" with only those that the caller itself named;
 * everything that the service knows about the object is left out. The polkit agent shows the
 * question to the user before anything is granted, so it must be the same for a hidden object and a
 * missing one. */
static GPtrArray *list_others(const BerthOwnedObject *object, const GPtrArray *full) {
    GPtrArray *details = g_ptr_array_new();

    for (guint i = 0; full->pdata[i]; i += 2) {
        g_ptr_array_add(details, full->pdata[i]);
        g_ptr_array_add(details,
                        g_str_equal(full->pdata[i], object->key) ? (char *)object->name : NULL);
    }
    g_ptr_array_add(details, NULL);
    return details;
}

/* The right to manage an object implies the right to inspect it, so the user authenticates once for
 * both. Sets *asked to false if polkit decides without authentication; *sees is then not set. */
static int caller_sees_by_managing(BerthAccess *access, sd_bus_message *call,
                                   const BerthOwnedObject *object, GPtrArray *lists, bool *asked,
                                   bool *sees) {
    BerthAuthorization *authorization = berth_authorization_find(access->authorizations, call);
    BerthAuditVerdict verdict = BERTH_AUDIT_REFUSED;
    BerthQuestion question;

    *asked = false;
    if (!authorization || lists->len == 0)
        return BERTH_ACCESS_GRANTED;
    g_autoptr(GPtrArray) details = list_others(object, lists->pdata[0]);
    if (!berth_access_make_question(call, "others", details, false, &question))
        return BERTH_ACCESS_GRANTED;
    int r = berth_authorization_decide(authorization, &question, &verdict);
    if (r <= 0 || verdict != BERTH_AUDIT_CHALLENGE)
        return berth_access_from_answer(r);
    question.interactive = true;
    r = berth_authorization_decide_covering(authorization, &question, &verdict);
    *asked = true;
    *sees = r > 0 && verdict == BERTH_AUDIT_GRANTED;
    return berth_access_from_answer(r);
}

/* Determines whether the caller may learn about an object of another user, or one that does not
 * exist. Both lead to the same question, so that the question does not give away which it is. For a
 * member that changes something, the user may be asked to authenticate in either case. A refusal is
 * not an error here; the calling function turns it into one. */
static int caller_sees_object(BerthAccess *access, sd_bus_message *call,
                              const BerthOwnedObject *object, GPtrArray *lists, bool *sees) {
    g_autoptr(GPtrArray) details = berth_access_new_details(object->key, object->name, NULL);
    bool asked;
    int r = berth_access_query_details(access, call, sees, "see", details);

    if (r != BERTH_ACCESS_GRANTED || *sees || !berth_access_has_check(call, "others") ||
        !berth_access_may_ask_user(call))
        return r;
    r = caller_sees_by_managing(access, call, object, lists, &asked, sees);
    if (r != BERTH_ACCESS_GRANTED || asked)
        return r;
    g_auto(sd_bus_error) refused = SD_BUS_ERROR_NULL;
    r = berth_access_check_row(access, call, &refused, "see", details);
    *sees = r == BERTH_ACCESS_GRANTED;
    return r == BERTH_ACCESS_ASKING ? r : BERTH_ACCESS_GRANTED;
}

/* Determines whether polkit rules grant the right "others" for all of the lists, and for any of
 * them. */
static int query_right_to_others(BerthAccess *access, sd_bus_message *call, GPtrArray *lists,
                                 bool *all, bool *any) {
    *all = lists->len > 0;
    for (guint i = 0; i < lists->len; i++) {
        bool granted = false;
        int r = berth_access_query_details(access, call, &granted, "others", lists->pdata[i]);
        if (r != BERTH_ACCESS_GRANTED)
            return r;
        *all = *all && granted;
        *any = *any || granted;
    }
    return BERTH_ACCESS_GRANTED;
}

/* Makes polkit receive as many questions about a missing object as about a hidden one. Without an
 * owner, the lists would equal those of list_others(), whose verdict is already cached by then, and
 * the shorter response time would reveal that the object does not exist. */
static void name_nobody_as_owner(GPtrArray *lists) {
    for (guint i = 0; i < lists->len; i++) {
        GPtrArray *details = lists->pdata[i];
        for (guint j = 0; details->pdata[j]; j += 2)
            if (g_str_equal(details->pdata[j], "owner"))
                details->pdata[j + 1] = (char *)NOBODY;
    }
}

/* The order is the security boundary: whether the caller may learn about the object is decided
 * before the reply says anything about it, and NotFound is the same for a hidden object and a
 * missing one. */
int berth_access_check_owned_many(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                                  const BerthOwnedObject *object, GPtrArray *lists) {
    bool sees = false, all = false, any = false;
    uint32_t uid;
    int r = berth_access_get_uid(access, call, &uid);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (object->exists && object->owner == uid)
        return berth_access_has_check(call, "own")
                   ? berth_access_check_many(access, call, error, "own", lists)
                   : BERTH_ACCESS_GRANTED;
    bool changes = berth_access_has_check(call, "others");
    if (!object->exists)
        name_nobody_as_owner(lists);
    /* If a rule grants a right to this object, the caller may also know that it exists. */
    if (changes) {
        r = query_right_to_others(access, call, lists, &all, &any);
        if (r != BERTH_ACCESS_GRANTED)
            return r;
    }
    if (!any) {
        r = caller_sees_object(access, call, object, lists, &sees);
        if (r != BERTH_ACCESS_GRANTED)
            return r;
    }
    if (!object->exists || (!sees && !any))
        return set_not_found(error, object);
    return changes && !all ? berth_access_check_many(access, call, error, "others", lists)
                           : BERTH_ACCESS_GRANTED;
}

int berth_access_check_owned(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                             const BerthOwnedObject *object, ...) {
    g_autoptr(GPtrArray) lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    va_list arguments;

    va_start(arguments, object);
    g_ptr_array_add(lists, berth_access_collect_details(arguments));
    va_end(arguments);
    return berth_access_check_owned_many(access, call, error, object, lists);
}
