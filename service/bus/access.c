/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Query is a call under way: made when its handler is first called, it collects what the bus and
 * polkit answer, calls the handler again after each answer, and goes when the handler needs no
 * further one or the caller leaves the bus.
 */

#include "bus/access.h"

#include "base/charge.h"
#include "base/limits.h"
#include "base/log.h"
#include "bus/limits.h"
#include "bus/permissions.h"

#include <errno.h>
#include <stdarg.h>

#define ASK_TIMEOUT_USEC (300ull * G_USEC_PER_SEC) /* a person types a password */

/* Calls that wait for polkit, a user; for the bus to say who sent them, a sender. */
enum {
    ALLOW_USER_INTERACTION = 1,
    MAX_WAITING_CALLS = 16,
    MAX_WAITING_BYTES = BERTH_MAX_CALL_BYTES
};

typedef struct {
    BerthAccess *access;
    sd_bus_message *call;
    sd_bus_message_handler_t handler;
    void *userdata;
    GHashTable *verdicts; /* question, as make_key writes it → BerthAuditVerdict */
    GHashTable *told;     /* such questions, of which the audit has a record */
    char *asked;          /* the question that is being asked */
    sd_bus_slot *slot;
    bool pending;
    bool uid_failed;
    bool over;          /* too many calls of the caller wait */
    size_t bytes;       /* of the call; 0: not measured */
    bool later;         /* the call has been answered, and the handler waits for its end */
    bool authenticated; /* an administrator has, for a row that covers the others */
} Query;

/* What polkit is asked. */
typedef struct {
    const BerthPermission *permission;
    GPtrArray *details; /* key, value, …, NULL; borrowed */
    bool interactive;
} Question;

struct BerthAccess {
    sd_bus *bus;
    GHashTable *callers; /* unique name → BerthCaller */
    GHashTable *queries; /* sd_bus_message → Query */
    sd_bus_slot *owner_changed;
    BerthPeerLeft left;
    void *left_userdata;
};

static void free_query(gpointer data) {
    Query *query = data;

    sd_bus_slot_unref(query->slot);
    berth_audit_drop(query->call);
    sd_bus_message_unref(query->call);
    g_hash_table_unref(query->verdicts);
    g_hash_table_unref(query->told);
    g_free(query->asked);
    g_free(query);
}

static Query *new_query(BerthAccess *access, sd_bus_message *call, sd_bus_message_handler_t handler,
                        void *userdata) {
    Query *query = g_new0(Query, 1);

    query->access = access;
    query->call = sd_bus_message_ref(call);
    query->handler = handler;
    query->userdata = userdata;
    query->verdicts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    query->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_hash_table_insert(access->queries, call, query);
    return query;
}

static void go_on(Query *query);

/* What goes on after its call does so with a refusal. */
static void give_up(BerthAccess *access, sd_bus_message *call) {
    Query *query = g_hash_table_lookup(access->queries, call);

    if (!query)
        return;
    query->slot = sd_bus_slot_unref(query->slot);
    g_clear_pointer(&query->asked, g_free);
    query->uid_failed = true;
    go_on(query);
}

static void unref_message(gpointer message) {
    sd_bus_message_unref(message);
}

/* A caller that has left needs no answer, and none of what it asked for. */
static void drop_queries_of(BerthAccess *access, const char *peer) {
    g_autoptr(GPtrArray) later = g_ptr_array_new_with_free_func(unref_message);
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, access->queries);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        Query *query = value;
        if (g_strcmp0(sd_bus_message_get_sender(query->call), peer) != 0)
            continue;
        if (query->later)
            g_ptr_array_add(later, sd_bus_message_ref(query->call));
        else
            g_hash_table_iter_remove(&iterator);
    }
    for (guint i = 0; i < later->len; i++)
        give_up(access, later->pdata[i]);
}

static int on_owner_changed(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    BerthAccess *access = userdata;
    const char *name, *old, *new;

    (void)error;
    if (sd_bus_message_read(signal, "sss", &name, &old, &new) < 0 || new[0] != '\0')
        return 0;
    drop_queries_of(access, name);
    g_hash_table_remove(access->callers, name);
    if (access->left)
        access->left(name, access->left_userdata);
    return 0;
}

BerthAccess *berth_access_new(sd_bus *bus, GError **error) {
    BerthAccess *access = g_new0(BerthAccess, 1);

    access->bus = bus;
    access->callers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, berth_caller_free);
    access->queries = g_hash_table_new_full(NULL, NULL, NULL, free_query);
    int r = sd_bus_add_match_async(bus, &access->owner_changed,
                                   "type='signal',sender='org.freedesktop.DBus',"
                                   "path='/org/freedesktop/DBus',"
                                   "interface='org.freedesktop.DBus',member='NameOwnerChanged',"
                                   "arg2=''",
                                   on_owner_changed, NULL, access);
    if (r >= 0)
        return access;
    berth_error_set_errno(error, r, "watch the bus");
    berth_access_free(access);
    return NULL;
}

void berth_access_free(BerthAccess *access) {
    if (!access)
        return;
    g_hash_table_unref(access->queries);
    g_hash_table_unref(access->callers);
    sd_bus_slot_unref(access->owner_changed);
    g_free(access);
}

void berth_access_on_peer_left(BerthAccess *access, BerthPeerLeft left, void *userdata) {
    access->left = left;
    access->left_userdata = userdata;
}

bool berth_access_find_uid(BerthAccess *access, const char *client, uint32_t *uid) {
    const BerthCaller *caller = berth_access_find_caller(access, client);

    if (caller)
        *uid = caller->uid;
    return caller != NULL;
}

const BerthCaller *berth_access_find_caller(BerthAccess *access, const char *client) {
    return client ? g_hash_table_lookup(access->callers, client) : NULL;
}

unsigned berth_access_count_pending(BerthAccess *access) {
    return g_hash_table_size(access->queries);
}

/* Whether the caller, once it is known, may have one more call that is answered later. */
static int check_calls(Query *query, sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    uint32_t uid;

    return !berth_access_find_uid(query->access, sd_bus_message_get_sender(query->call), &uid) ||
                   berth_charge_check(uid, BERTH_RESOURCE_CALLS, 0, 1, &error)
               ? 0
               : berth_bus_error_set(ret_error, error);
}

static int set_over(sd_bus_error *error) {
    sd_bus_error_free(error);
    return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "LimitExceeded",
                             "too many calls of this user wait for an authorization; the limits "
                             "are %d calls and %d bytes",
                             MAX_WAITING_CALLS, MAX_WAITING_BYTES);
}

/* The audit's view of a handler that does not wait for an answer of polkit's. */
static void settle(BerthAccess *access, sd_bus_message *call, int r, const sd_bus_error *error) {
    g_auto(sd_bus_error) local = SD_BUS_ERROR_NULL;
    const BerthCaller *caller = berth_access_find_caller(access, sd_bus_message_get_sender(call));

    if (!sd_bus_error_is_set(error) && r < 0)
        sd_bus_error_set_errno(&local, r);
    berth_audit_settle(call, caller, sd_bus_error_is_set(error) ? error->name : local.name);
}

/* Calls the handler, and forgets the query unless that made it wait. */
static int call_handler(Query *query, sd_bus_error *error) {
    BerthAccess *access = query->access;
    g_autoptr(sd_bus_message) call = sd_bus_message_ref(query->call);

    query->pending = false;
    int r = check_calls(query, error);
    if (r >= 0)
        r = query->handler(call, query->userdata, error);
    query = g_hash_table_lookup(access->queries, call);
    if (query && query->over && r < 0)
        r = set_over(error);
    if (query && query->pending)
        return r;
    settle(access, call, r, error);
    if (query)
        g_hash_table_remove(access->queries, call);
    return r;
}

int berth_access_run(BerthAccess *access, sd_bus_message *call, sd_bus_message_handler_t handler,
                     void *userdata, sd_bus_error *error) {
    return call_handler(new_query(access, call, handler, userdata), error);
}

void berth_access_run_later(BerthAccess *access, sd_bus_message *call,
                            sd_bus_message_handler_t handler, void *userdata) {
    Query *query = new_query(access, call, handler, userdata);
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;

    query->later = true;
    call_handler(query, &error);
}

void berth_access_forget(BerthAccess *access, sd_bus_message *call) {
    g_hash_table_remove(access->queries, call);
}

/* Calls the handler again, and answers for it what sd-bus would have. */
static void go_on(Query *query) {
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
    g_autoptr(sd_bus_message) call = sd_bus_message_ref(query->call);

    sd_bus_message_rewind(call, 1);
    int r = call_handler(query, &error);
    if (r >= 0 && !sd_bus_error_is_set(&error))
        return;
    if (!sd_bus_error_is_set(&error))
        sd_bus_error_set_errno(&error, r);
    sd_bus_reply_method_error(call, &error);
}

static int on_credentials(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Query *query = userdata;
    BerthCaller caller;

    (void)error;
    query->slot = sd_bus_slot_unref(query->slot);
    if (berth_caller_read(reply, &caller))
        g_hash_table_insert(query->access->callers,
                            g_strdup(sd_bus_message_get_sender(query->call)),
                            g_memdup2(&caller, sizeof caller));
    else
        query->uid_failed = true;
    go_on(query);
    return 0;
}

/* Whether two calls count together: those of a user, and those of a sender that is not known yet.
 */
static bool is_of_same(const Query *a, const Query *b) {
    const char *first = sd_bus_message_get_sender(a->call);
    const char *second = sd_bus_message_get_sender(b->call);
    uint32_t first_uid, second_uid;
    bool knows_first = berth_access_find_uid(a->access, first, &first_uid);
    bool knows_second = berth_access_find_uid(b->access, second, &second_uid);

    return knows_first && knows_second
               ? first_uid == second_uid
               : knows_first == knows_second && g_strcmp0(first, second) == 0;
}

static bool measure(Query *query) {
    if (query->bytes > 0)
        return true;
    if (sd_bus_message_rewind(query->call, 1) < 0 ||
        berth_limits_measure(query->call, &query->bytes) < 0)
        return false;
    query->bytes = MAX(query->bytes, 1);
    return true;
}

/* A call that waits is kept whole, for as long as a person takes to type a password. */
static bool may_wait(Query *query) {
    unsigned count = 0;
    size_t bytes = 0;
    GHashTableIter iterator;
    gpointer value;

    if (!measure(query))
        return false;
    g_hash_table_iter_init(&iterator, query->access->queries);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const Query *other = value;
        if (other == query || !other->pending || !is_of_same(query, other))
            continue;
        count++;
        bytes += other->bytes;
    }
    query->over = count >= MAX_WAITING_CALLS || bytes + query->bytes > MAX_WAITING_BYTES;
    return !query->over;
}

static int find_uid(Query *query, uint32_t *uid) {
    const char *sender = sd_bus_message_get_sender(query->call);

    if (!sender || query->uid_failed)
        return -EACCES;
    if (berth_access_find_uid(query->access, sender, uid))
        return 1;
    if (!may_wait(query))
        return -EDQUOT;
    int r = sd_bus_call_method_async(
        query->access->bus, &query->slot, "org.freedesktop.DBus", "/org/freedesktop/DBus",
        "org.freedesktop.DBus", "GetConnectionCredentials", on_credentials, query, "s", sender);
    query->pending = r >= 0;
    return r < 0 ? r : 0;
}

static int on_verdict(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Query *query = userdata;
    int authorized = 0, challenge = 0;
    BerthAuditVerdict verdict = BERTH_AUDIT_REFUSED;

    (void)error;
    query->slot = sd_bus_slot_unref(query->slot);
    if (sd_bus_message_is_method_error(reply, NULL))
        /* Without polkit nobody but root may do anything. */
        berth_log_warning(NULL, NULL, "Cannot ask polkit: %s",
                          sd_bus_message_get_error(reply)->message);
    else if (sd_bus_message_enter_container(reply, 'r', "bba{ss}") >= 0 &&
             sd_bus_message_read(reply, "bb", &authorized, &challenge) >= 0)
        verdict = authorized  ? BERTH_AUDIT_GRANTED
                  : challenge ? BERTH_AUDIT_CHALLENGE
                              : BERTH_AUDIT_REFUSED;
    g_hash_table_insert(query->verdicts, g_steal_pointer(&query->asked), GINT_TO_POINTER(verdict));
    go_on(query);
    return 0;
}

static int append_details(sd_bus_message *message, const Question *question) {
    char **details = (char **)question->details->pdata;
    int r;

    if ((r = sd_bus_message_open_container(message, 'a', "{ss}")) < 0 ||
        (r = sd_bus_message_append(message, "{ss}", "verb", question->permission->verb)) < 0)
        return r;
    for (char **detail = details; r >= 0 && detail[0]; detail += 2)
        if (detail[1])
            r = sd_bus_message_append(message, "{ss}", detail[0], detail[1]);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

/* A text that is the same for the same question only. */
static char *make_key(const Question *question) {
    char **details = (char **)question->details->pdata;
    GString *key = g_string_new(question->permission->action);

    g_string_append_printf(key, " %s %d", question->permission->verb, question->interactive);
    for (char **detail = details; detail[0]; detail += 2)
        if (detail[1])
            g_string_append_printf(key, " %s %zu:%s", detail[0], strlen(detail[1]), detail[1]);
    return g_string_free(key, FALSE);
}

static int ask_polkit(Query *query, const Question *question) {
    g_autofree char *action = g_strconcat(BERTH_ACTION_PREFIX, question->permission->action, NULL);
    g_autoptr(sd_bus_message) message = NULL;
    const char *sender = sd_bus_message_get_sender(query->call);
    int r;

    if ((r = sd_bus_message_new_method_call(
             query->access->bus, &message, "org.freedesktop.PolicyKit1",
             "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
             "CheckAuthorization")) < 0 ||
        (r = sd_bus_message_append(message, "(sa{sv})s", "system-bus-name", 1, "name", "s", sender,
                                   action)) < 0 ||
        (r = append_details(message, question)) < 0 ||
        (r = sd_bus_message_append(message, "us",
                                   question->interactive ? ALLOW_USER_INTERACTION : 0, "")) < 0 ||
        (r = sd_bus_call_async(query->access->bus, &query->slot, message, on_verdict, query,
                               ASK_TIMEOUT_USEC)) < 0)
        return r;
    query->asked = make_key(question);
    query->pending = true;
    return 0;
}

/* Each answer once, however often the handler is called. That a list leaves out what is others' is
 * no refusal. */
static void tell_audit(Query *query, const Question *question, BerthAuditVerdict verdict) {
    const char *sender = sd_bus_message_get_sender(query->call);
    char *key = make_key(question);

    if (!g_hash_table_add(query->told, key) ||
        (verdict != BERTH_AUDIT_GRANTED && g_str_equal(question->permission->check, "sight")))
        return;
    berth_audit_decision(query->call, berth_access_find_caller(query->access, sender),
                         question->permission, (char *const *)question->details->pdata, verdict);
}

/* 1 with *verdict, 0 while asking. */
static int decide(Query *query, const Question *question, BerthAuditVerdict *verdict) {
    g_autofree char *key = make_key(question);
    gpointer value = GINT_TO_POINTER(BERTH_AUDIT_GRANTED);
    uint32_t uid;
    int r = find_uid(query, &uid);

    if (r <= 0)
        return r;
    if (uid != 0 && !g_hash_table_lookup_extended(query->verdicts, key, NULL, &value))
        return may_wait(query) ? ask_polkit(query, question) : -EDQUOT;
    *verdict = (BerthAuditVerdict)GPOINTER_TO_INT(value);
    tell_audit(query, question, *verdict);
    return 1;
}

/* Finds out whether it is the user that answers, and not a rule. */
static int decide_covering(Query *query, const Question *question, BerthAuditVerdict *verdict) {
    Question alone = *question;

    alone.interactive = false;
    int r = decide(query, &alone, verdict);
    if (r <= 0 || *verdict != BERTH_AUDIT_CHALLENGE || !question->interactive)
        return r;
    r = decide(query, question, verdict);
    query->authenticated = r > 0 && *verdict == BERTH_AUDIT_GRANTED;
    return r;
}

static int to_access(int r) {
    return r < 0 ? r : r == 0 ? BERTH_ACCESS_ASKING : BERTH_ACCESS_GRANTED;
}

static GPtrArray *collect_details(va_list arguments) {
    GPtrArray *details = g_ptr_array_new();

    for (char *key; (key = va_arg(arguments, char *));) {
        g_ptr_array_add(details, key);
        g_ptr_array_add(details, va_arg(arguments, char *));
    }
    g_ptr_array_add(details, NULL);
    return details;
}

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

/* The question as the table has it, for the keys that are in the object's row when they are more
 * than it takes; false: there is no such row, or the handler has another mind of its details. */
static bool make_question(sd_bus_message *call, const char *check, GPtrArray *details,
                          bool interactive, Question *question) {
    *question = (Question){
        .permission = find_row(call, check), .details = details, .interactive = interactive};
    if (question->permission && question->permission->action &&
        has_details_of(details, question->permission))
        return true;
    berth_log(LOG_ERR, NULL, NULL, NULL, "Refusing %s: its check \"%s\" is not as in the table",
              sd_bus_message_get_member(call), check);
    return false;
}

static int refuse(sd_bus_error *error, const Question *question, BerthAuditVerdict verdict) {
    if (verdict == BERTH_AUDIT_CHALLENGE)
        return sd_bus_error_setf(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                 BERTH_ACTION_PREFIX "%s needs an administrator's authorization",
                                 question->permission->action);
    return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED,
                             "polkit does not allow " BERTH_ACTION_PREFIX "%s",
                             question->permission->action);
}

static bool may_ask_user(sd_bus_message *call) {
    return sd_bus_message_get_allow_interactive_authorization(call) > 0;
}

static int refuse_unknown(sd_bus_error *error) {
    return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED,
                            "cannot determine the caller's identity");
}

static int check_row(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                     const char *check, GPtrArray *details) {
    Query *query = g_hash_table_lookup(access->queries, call);
    BerthAuditVerdict verdict = BERTH_AUDIT_REFUSED;
    Question question;

    if (!query || !make_question(call, check, details, may_ask_user(call), &question))
        return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED,
                                "the service has no rule for this call");
    int r = (question.permission->flags & BERTH_PERMISSION_COVERS)
                ? decide_covering(query, &question, &verdict)
                : decide(query, &question, &verdict);
    if (r < 0)
        return refuse_unknown(error);
    if (r == 0)
        return BERTH_ACCESS_ASKING;
    return verdict == BERTH_AUDIT_GRANTED ? BERTH_ACCESS_GRANTED
                                          : refuse(error, &question, verdict);
}

/* The verdict alone; a handler that has no such check is refused. */
int berth_access_query_details(BerthAccess *access, sd_bus_message *call, bool *granted,
                               const char *check, GPtrArray *details) {
    Query *query = g_hash_table_lookup(access->queries, call);
    BerthAuditVerdict verdict = BERTH_AUDIT_REFUSED;
    Question question;

    if (!query || !make_question(call, check, details, false, &question))
        return -EACCES;
    int r = decide(query, &question, &verdict);
    *granted = verdict == BERTH_AUDIT_GRANTED;
    return to_access(r);
}

/* Values of the same keys in several lists of details, each once, with blanks between. */
static GPtrArray *join_details(GPtrArray *lists) {
    GPtrArray *first = lists->pdata[0];
    GPtrArray *joined = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; first->pdata[i]; i += 2) {
        g_autoptr(GPtrArray) values = g_ptr_array_new();
        for (guint j = 0; j < lists->len; j++) {
            char *value = ((GPtrArray *)lists->pdata[j])->pdata[i + 1];
            if (value && !g_ptr_array_find_with_equal_func(values, value, g_str_equal, NULL))
                g_ptr_array_add(values, value);
        }
        g_ptr_array_add(values, NULL);
        g_ptr_array_add(joined, g_strdup(first->pdata[i]));
        g_ptr_array_add(joined, values->len > 1 ? g_strjoinv(" ", (char **)values->pdata) : NULL);
    }
    g_ptr_array_add(joined, NULL);
    return joined;
}

/* One at a time, each with the user. */
static int check_singly(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                        const char *check, GPtrArray *lists) {
    int r = BERTH_ACCESS_GRANTED;

    for (guint i = 0; r == BERTH_ACCESS_GRANTED && i < lists->len; i++)
        r = check_row(access, call, error, check, lists->pdata[i]);
    return r;
}

/* Asks the user once for all that no rule decided. An answer that came without the user is a rule's
 * about a list, which it may have taken for one name: then they are asked about one by one. */
static int check_together(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                          const char *check, GPtrArray *lists) {
    g_autoptr(GPtrArray) joined = join_details(lists);
    Query *query = g_hash_table_lookup(access->queries, call);
    BerthAuditVerdict verdict = BERTH_AUDIT_REFUSED;
    Question question;

    if (lists->len == 1 || !make_question(call, check, joined, false, &question))
        return check_singly(access, call, error, check, lists);
    int r = decide(query, &question, &verdict);
    if (r <= 0)
        return r < 0 ? refuse_unknown(error) : BERTH_ACCESS_ASKING;
    return verdict == BERTH_AUDIT_CHALLENGE ? check_row(access, call, error, check, joined)
                                            : check_singly(access, call, error, check, lists);
}

int berth_access_check_many(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                            const char *check, GPtrArray *lists) {
    g_autoptr(GPtrArray) undecided = g_ptr_array_new();
    Query *query = g_hash_table_lookup(access->queries, call);
    BerthAuditVerdict verdict = BERTH_AUDIT_REFUSED;
    Question question;

    for (guint i = 0; i < lists->len; i++) {
        if (!query || !make_question(call, check, lists->pdata[i], false, &question))
            return refuse_unknown(error);
        int r = decide(query, &question, &verdict);
        if (r <= 0)
            return r < 0 ? refuse_unknown(error) : BERTH_ACCESS_ASKING;
        if (verdict == BERTH_AUDIT_REFUSED ||
            (verdict == BERTH_AUDIT_CHALLENGE && !may_ask_user(call)))
            return refuse(error, &question, verdict);
        if (verdict == BERTH_AUDIT_CHALLENGE && !query->authenticated)
            g_ptr_array_add(undecided, lists->pdata[i]);
    }
    if (undecided->len == 0)
        return BERTH_ACCESS_GRANTED;
    return check_together(access, call, error, check, undecided);
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
    g_autoptr(GPtrArray) details = collect_details(arguments);
    va_end(arguments);
    return check_row(access, call, error, check, details);
}

int berth_access_query(BerthAccess *access, sd_bus_message *call, bool *granted, const char *check,
                       ...) {
    va_list arguments;

    va_start(arguments, check);
    g_autoptr(GPtrArray) details = collect_details(arguments);
    va_end(arguments);
    return berth_access_query_details(access, call, granted, check, details);
}

int berth_access_get_uid(BerthAccess *access, sd_bus_message *call, uint32_t *uid) {
    Query *query = g_hash_table_lookup(access->queries, call);

    return query ? to_access(find_uid(query, uid)) : -EACCES;
}

static int set_not_found(sd_bus_error *error, const BerthOwned *object) {
    return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "NotFound", "there is no %s \"%.100s\"",
                             object->kind, object->name);
}

/* Whether the caller may know of what is another's, or of what is not there. A member that changes
 * something may ask the user for a password, whether the object is there or not. */
static int see(BerthAccess *access, sd_bus_message *call, const BerthOwned *object, bool *sees) {
    GPtrArray *details = g_ptr_array_new();
    g_autoptr(GPtrArray) owned = details;

    g_ptr_array_add(details, (char *)object->key);
    g_ptr_array_add(details, (char *)object->name);
    g_ptr_array_add(details, NULL);
    if (!find_row(call, "others") || !may_ask_user(call))
        return berth_access_query_details(access, call, sees, "see", details);
    g_auto(sd_bus_error) refused = SD_BUS_ERROR_NULL;
    int r = check_row(access, call, &refused, "see", details);
    *sees = r == BERTH_ACCESS_GRANTED;
    return r == BERTH_ACCESS_ASKING ? r : BERTH_ACCESS_GRANTED;
}

int berth_access_check_owned(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                             const BerthOwned *object, ...) {
    bool sees = false, granted = false;
    va_list arguments;
    uint32_t uid;
    int r = berth_access_get_uid(access, call, &uid);

    va_start(arguments, object);
    g_autoptr(GPtrArray) details = collect_details(arguments);
    va_end(arguments);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (object->exists && object->owner == uid)
        return find_row(call, "own") ? check_row(access, call, error, "own", details)
                                     : BERTH_ACCESS_GRANTED;
    bool changes = find_row(call, "others") != NULL;
    /* A right that a rule gives for this object is enough to know of it. */
    if (changes) {
        r = berth_access_query_details(access, call, &granted, "others", details);
        if (r != BERTH_ACCESS_GRANTED)
            return r;
    }
    if (!granted) {
        r = see(access, call, object, &sees);
        if (r != BERTH_ACCESS_GRANTED)
            return r;
    }
    if (!object->exists || (!sees && !granted))
        return set_not_found(error, object);
    return changes && !granted ? check_row(access, call, error, "others", details)
                               : BERTH_ACCESS_GRANTED;
}

bool berth_access_has_check(sd_bus_message *call, const char *check) {
    return find_row(call, check) != NULL;
}
