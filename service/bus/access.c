/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The checks that handlers make, each defined by its row in permissions.c. What the bus and polkit
 * answer about a call is kept in the call's authorization (authorization.h); this file turns each
 * answer into a grant or a refusal with the right error. Hiding objects as if they did not exist is
 * in access-owned.c. BerthAccess has no states of its own. It is owned by berthd.c, and it owns the
 * table of callers and all pending authorizations. The one thing to know: a check can return
 * BERTH_ACCESS_ASKING; the handler then runs again from its beginning and repeats every check, with
 * the answers known by then.
 */

#include "bus/access-private.h"

#include "base/charge.h"
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>

/* Calls are dropped before the caller is forgotten, since the audit records them with the caller's
 * credentials. */
static void access_on_peer_left(const char *peer, void *userdata) {
    BerthAccess *access = userdata;

    berth_authorizations_drop_client(access->authorizations, peer);
    berth_callers_forget(access->callers, peer);
    if (access->left)
        access->left(peer, access->left_userdata);
}

BerthAccess *berth_access_new(sd_bus *bus, GError **error) {
    BerthAccess *access = g_new0(BerthAccess, 1);

    access->callers = berth_callers_new(bus, access_on_peer_left, access, error);
    if (!access->callers) {
        g_free(access);
        return NULL;
    }
    access->authorizations = berth_authorizations_new(bus, access->callers);
    return access;
}

void berth_access_free(BerthAccess *access) {
    if (!access)
        return;
    berth_authorizations_free(access->authorizations);
    berth_callers_free(access->callers);
    g_free(access);
}

void berth_access_on_peer_left(BerthAccess *access, BerthPeerLeft left, void *userdata) {
    access->left = left;
    access->left_userdata = userdata;
}

const BerthCaller *berth_access_find_caller(BerthAccess *access, const char *client) {
    return berth_callers_find(access->callers, client);
}

bool berth_access_find_uid(BerthAccess *access, const char *client, uint32_t *uid) {
    const BerthCaller *caller = berth_callers_find(access->callers, client);

    if (caller)
        *uid = caller->uid;
    return caller != NULL;
}

/* Checks whether the caller may have one more call that is answered later. A caller that is not
 * known yet passes: the handler, and with it this check, runs again once the caller is known. */
static int check_calls(BerthAccess *access, sd_bus_message *call, sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    uint32_t uid;

    return !berth_access_find_uid(access, sd_bus_message_get_sender(call), &uid) ||
                   berth_charge_check(uid, BERTH_RESOURCE_CALLS, 0, 1, &error)
               ? 0
               : berth_bus_error_set(ret_error, error);
}

/* Returns 1 ("handled") without running the handler if the caller has left the bus: sd-bus must not
 * send a reply then. */
int berth_access_run(BerthAccess *access, sd_bus_message *call, sd_bus_message_handler_t handler,
                     void *userdata, sd_bus_error *error) {
    if (!berth_authorization_begin(access->authorizations, call))
        return 1;
    int r = check_calls(access, call, error);
    if (r >= 0)
        r = handler(call, userdata, error);
    BerthAuthorization *authorization = berth_authorization_find(access->authorizations, call);
    if ((r < 0 || sd_bus_error_is_set(error)) && authorization &&
        berth_authorization_ask_for_record(authorization)) {
        sd_bus_error_free(error);
        return 1;
    }
    return berth_authorization_end(access->authorizations, call, r, error);
}

void berth_access_run_later(BerthAccess *access, sd_bus_message *call, BerthAccessResume resume,
                            void *userdata) {
    berth_authorization_run_later(access->authorizations, call, resume, userdata);
}

bool berth_access_is_authenticated(BerthAccess *access, sd_bus_message *call) {
    BerthAuthorization *authorization = berth_authorization_find(access->authorizations, call);

    return authorization && berth_authorization_is_authenticated(authorization);
}

void berth_access_set_authenticated(BerthAccess *access, sd_bus_message *call) {
    BerthAuthorization *authorization = berth_authorization_find(access->authorizations, call);

    if (authorization)
        berth_authorization_set_authenticated(authorization);
}

void berth_access_forget(BerthAccess *access, sd_bus_message *call) {
    berth_authorization_forget(access->authorizations, call);
}

/* Authorizations return 1, 0 or a negative errno. */
int berth_access_from_answer(int r) {
    return r < 0 ? r : r == 0 ? BERTH_ACCESS_ASKING : BERTH_ACCESS_GRANTED;
}

/* The strings are borrowed from the caller. A key whose value is NULL is kept: has_details_of()
 * compares all keys with the row, and only the question to polkit leaves such a key out. */
GPtrArray *berth_access_collect_details(va_list arguments) {
    GPtrArray *details = g_ptr_array_new();

    for (char *key; (key = va_arg(arguments, char *));) {
        g_ptr_array_add(details, key);
        g_ptr_array_add(details, va_arg(arguments, char *));
    }
    g_ptr_array_add(details, NULL);
    return details;
}

/* Checks that all keys are in the row and that their number matches. Since no handler passes a key
 * twice, the two sets are then equal. */
static bool has_details_of(const GPtrArray *details, const BerthPermission *permission) {
    for (guint i = 0; details->pdata[i]; i += 2)
        if (!berth_permission_has_detail(permission, details->pdata[i]))
            return false;
    return details->len / 2 == berth_permission_count_details(permission);
}

static const BerthPermission *find_row(sd_bus_message *call, const char *check) {
    const char *member;
    const char *interface = berth_permission_read_member(call, &member);

    return interface ? berth_permission_find(interface, member, check) : NULL;
}

/* Fills in the question from the table's row for this check. Returns false if there is no such row,
 * or if the handler passed other keys than the row has. Both are bugs in the service; they are
 * logged and lead to a refusal. */
bool berth_access_make_question(sd_bus_message *call, const char *check, GPtrArray *details,
                                bool interactive, BerthQuestion *question) {
    *question = (BerthQuestion){.permission = find_row(call, check),
                                .details = (char *const *)details->pdata,
                                .interactive = interactive};
    if (question->permission && question->permission->action &&
        has_details_of(details, question->permission))
        return true;
    berth_log(LOG_ERR, NULL, NULL, NULL, "Refusing %s: its check \"%s\" is not as in the table",
              sd_bus_message_get_member(call), check);
    return false;
}

/* If authentication would be needed but the caller did not allow interaction, the error is a
 * separate one: the client may repeat the call with ALLOW_INTERACTIVE_AUTHORIZATION set ("Message
 * Format" in the D-Bus specification). */
static int access_refuse(sd_bus_error *error, const BerthQuestion *question,
                         BerthAuditVerdict verdict) {
    if (verdict == BERTH_AUDIT_CHALLENGE)
        return sd_bus_error_setf(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                 BERTH_ACTION_PREFIX "%s needs an administrator's authorization",
                                 question->permission->action);
    return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED,
                             "polkit does not allow " BERTH_ACTION_PREFIX "%s",
                             question->permission->action);
}

bool berth_access_may_ask_user(sd_bus_message *call) {
    return sd_bus_message_get_allow_interactive_authorization(call) > 0;
}

static int refuse_unknown(sd_bus_error *error) {
    return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED,
                            "cannot determine the caller's identity");
}

/* Asks one question, interactively if the caller allows it. Everything but a clear grant is a
 * refusal. */
int berth_access_check_row(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                           const char *check, GPtrArray *details) {
    BerthAuthorization *authorization = berth_authorization_find(access->authorizations, call);
    BerthAuditVerdict verdict = BERTH_AUDIT_REFUSED;
    BerthQuestion question;

    if (!authorization || !berth_access_make_question(call, check, details,
                                                      berth_access_may_ask_user(call), &question))
        return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED,
                                "the service has no rule for this call");
    int r = (question.permission->flags & BERTH_PERMISSION_COVERS)
                ? berth_authorization_decide_covering(authorization, &question, &verdict)
                : berth_authorization_decide(authorization, &question, &verdict);
    if (r < 0)
        return refuse_unknown(error);
    if (r == 0)
        return BERTH_ACCESS_ASKING;
    return verdict == BERTH_AUDIT_GRANTED ? BERTH_ACCESS_GRANTED
                                          : access_refuse(error, &question, verdict);
}

/* Returns only the verdict and sets no error for the caller. A check without a row in the table
 * fails with -EACCES. */
int berth_access_query_details(BerthAccess *access, sd_bus_message *call, bool *granted,
                               const char *check, GPtrArray *details) {
    BerthAuthorization *authorization = berth_authorization_find(access->authorizations, call);
    BerthAuditVerdict verdict = BERTH_AUDIT_REFUSED;
    BerthQuestion question;

    if (!authorization || !berth_access_make_question(call, check, details, false, &question))
        return -EACCES;
    int r = berth_authorization_decide(authorization, &question, &verdict);
    *granted = verdict == BERTH_AUDIT_GRANTED;
    return berth_access_from_answer(r);
}

/* Merges all lists of details into one: each key gets its distinct values, separated by spaces. The
 * lists have the same keys in the same order. Each value is formatted before joining, since
 * formatting looks for a host in the text. */
static GPtrArray *join_details(const BerthPermission *row, GPtrArray *lists) {
    GPtrArray *first = lists->pdata[0];
    GPtrArray *joined = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; first->pdata[i]; i += 2) {
        g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
        for (guint j = 0; j < lists->len; j++) {
            const char *raw = ((GPtrArray *)lists->pdata[j])->pdata[i + 1];
            g_autofree char *value =
                raw ? berth_permission_format_detail(row, first->pdata[i], raw) : NULL;
            if (value && !g_ptr_array_find_with_equal_func(values, value, g_str_equal, NULL))
                g_ptr_array_add(values, g_steal_pointer(&value));
        }
        g_ptr_array_add(values, NULL);
        g_ptr_array_add(joined, g_strdup(first->pdata[i]));
        g_ptr_array_add(joined, values->len > 1 ? g_strjoinv(" ", (char **)values->pdata) : NULL);
    }
    g_ptr_array_add(joined, NULL);
    return joined;
}

/* Checks one list after the other, each with authentication if it needs one. */
static int access_check_each(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                             const char *check, GPtrArray *lists) {
    int r = BERTH_ACCESS_GRANTED;

    for (guint i = 0; r == BERTH_ACCESS_GRANTED && i < lists->len; i++)
        r = berth_access_check_row(access, call, error, check, lists->pdata[i]);
    return r;
}

/* Asks the user once for everything that rules have left undecided. polkit is first asked about the
 * joined list without interaction. If it decides at once, a rule did, and that rule may have taken
 * the joined names for a single one. Such a decision is ignored, and polkit is asked about each
 * list separately. */
static int access_check_all_at_once(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                                    const char *check, GPtrArray *lists) {
    g_autoptr(GPtrArray) joined = join_details(find_row(call, check), lists);
    BerthAuthorization *authorization = berth_authorization_find(access->authorizations, call);
    BerthAuditVerdict verdict = BERTH_AUDIT_REFUSED;
    BerthQuestion question;

    if (lists->len == 1 || !berth_access_make_question(call, check, joined, false, &question))
        return access_check_each(access, call, error, check, lists);
    int r = berth_authorization_decide(authorization, &question, &verdict);
    if (r <= 0)
        return r < 0 ? refuse_unknown(error) : BERTH_ACCESS_ASKING;
    return verdict == BERTH_AUDIT_CHALLENGE
               ? berth_access_check_row(access, call, error, check, joined)
               : access_check_each(access, call, error, check, lists);
}

/* polkit is first asked about each list without interaction, so that a refusal of one ends the call
 * before the user has typed a password. What remains are challenges, which a user who has already
 * authenticated for the whole operation does not need to meet again. */
int berth_access_check_many(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                            const char *check, GPtrArray *lists) {
    g_autofree BerthQuestion *questions = g_new0(BerthQuestion, lists->len);
    g_autoptr(GPtrArray) undecided = g_ptr_array_new();
    BerthAuthorization *authorization = berth_authorization_find(access->authorizations, call);
    BerthAuditVerdict verdict = BERTH_AUDIT_REFUSED;

    for (guint i = 0; i < lists->len; i++)
        if (!authorization ||
            !berth_access_make_question(call, check, lists->pdata[i], false, &questions[i]))
            return refuse_unknown(error);
    int r = lists->len > 0 ? berth_authorization_prepare(authorization, questions, lists->len) : 1;
    /* In the order of the lists, since the audit records decisions in this order. */
    for (guint i = 0; r > 0 && i < lists->len; i++) {
        r = berth_authorization_decide(authorization, &questions[i], &verdict);
        if (r <= 0)
            break;
        if (verdict == BERTH_AUDIT_REFUSED ||
            (verdict == BERTH_AUDIT_CHALLENGE && !berth_access_may_ask_user(call)))
            return access_refuse(error, &questions[i], verdict);
        if (verdict == BERTH_AUDIT_CHALLENGE && !berth_authorization_is_met(authorization, check))
            g_ptr_array_add(undecided, lists->pdata[i]);
    }
    if (r <= 0)
        return r < 0 ? refuse_unknown(error) : BERTH_ACCESS_ASKING;
    if (undecided->len == 0)
        return BERTH_ACCESS_GRANTED;
    return access_check_all_at_once(access, call, error, check, undecided);
}

GPtrArray *berth_access_new_details(const char *key, ...) {
    GPtrArray *details = g_ptr_array_new();
    va_list arguments;

    va_start(arguments, key);
    for (const char *next = key; next; next = va_arg(arguments, const char *)) {
        g_ptr_array_add(details, (char *)next);
        g_ptr_array_add(details, va_arg(arguments, char *));
    }
    va_end(arguments);
    g_ptr_array_add(details, NULL);
    return details;
}

int berth_access_check(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                       const char *check, ...) {
    va_list arguments;

    va_start(arguments, check);
    g_autoptr(GPtrArray) details = berth_access_collect_details(arguments);
    va_end(arguments);
    return berth_access_check_row(access, call, error, check, details);
}

int berth_access_check_rest(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                            const char *check, ...) {
    g_autoptr(GPtrArray) lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    va_list arguments;

    va_start(arguments, check);
    g_ptr_array_add(lists, berth_access_collect_details(arguments));
    va_end(arguments);
    return berth_access_check_many(access, call, error, check, lists);
}

int berth_access_query(BerthAccess *access, sd_bus_message *call, bool *granted, const char *check,
                       ...) {
    va_list arguments;

    va_start(arguments, check);
    g_autoptr(GPtrArray) details = berth_access_collect_details(arguments);
    va_end(arguments);
    return berth_access_query_details(access, call, granted, check, details);
}

int berth_access_get_uid(BerthAccess *access, sd_bus_message *call, uint32_t *uid) {
    BerthAuthorization *authorization = berth_authorization_find(access->authorizations, call);

    return authorization
               ? berth_access_from_answer(berth_authorization_find_uid(authorization, uid))
               : -EACCES;
}

void berth_access_begin_creation(BerthAccess *access, sd_bus_message *call, const char *name) {
    BerthAuthorization *authorization = berth_authorization_find(access->authorizations, call);

    if (authorization)
        berth_authorization_make(authorization, name);
}

void berth_access_extend_creation(BerthAccess *access, sd_bus_message *call, const char *name) {
    berth_authorizations_extend_creation(access->authorizations, call, name);
}

void berth_access_end_creation(BerthAccess *access, sd_bus_message *call, const char *name,
                               bool made) {
    berth_authorizations_end_creation(access->authorizations, call, name, made);
}

bool berth_access_is_awaited(BerthAccess *access, sd_bus_message *call, const char *name) {
    return berth_authorizations_are_awaiting(access->authorizations, call, name);
}

int berth_access_await(BerthAccess *access, sd_bus_message *call, const char *name) {
    BerthAuthorization *authorization = berth_authorization_find(access->authorizations, call);

    return authorization ? berth_access_from_answer(berth_authorization_await(authorization, name))
                         : -EACCES;
}

bool berth_access_has_check(sd_bus_message *call, const char *check) {
    return find_row(call, check) != NULL;
}
