/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/access.h"

#include "base/log.h"

#include <errno.h>
#include <stdarg.h>

#define ASK_TIMEOUT_USEC (300ull * G_USEC_PER_SEC) /* a person types a password */

enum { ALLOW_USER_INTERACTION = 1 };

typedef enum { VERDICT_GRANTED, VERDICT_REFUSED, VERDICT_CHALLENGE } Verdict;

/* A call under way, from its first check until its handler needs no answer any more. */
typedef struct {
    BerthAccess *access;
    sd_bus_message *call;
    sd_bus_message_handler_t handler;
    void *userdata;
    GHashTable *verdicts; /* action → Verdict */
    char *asked;          /* the action that is being asked for */
    sd_bus_slot *slot;
    bool pending;
    bool uid_failed;
} Query;

struct BerthAccess {
    sd_bus *bus;
    GHashTable *uids;    /* unique name → uid */
    GHashTable *queries; /* sd_bus_message → Query */
    sd_bus_slot *owner_changed;
    BerthPeerLeft left;
    void *left_userdata;
};

static void free_query(gpointer data) {
    Query *query = data;

    sd_bus_slot_unref(query->slot);
    sd_bus_message_unref(query->call);
    g_hash_table_unref(query->verdicts);
    g_free(query->asked);
    g_free(query);
}

static Query *find_query(BerthAccess *access, sd_bus_message *call,
                         sd_bus_message_handler_t handler, void *userdata) {
    Query *query = g_hash_table_lookup(access->queries, call);

    if (!query) {
        query = g_new0(Query, 1);
        query->access = access;
        query->call = sd_bus_message_ref(call);
        query->verdicts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_hash_table_insert(access->queries, call, query);
    }
    query->handler = handler;
    query->userdata = userdata;
    return query;
}

/* A caller that has left needs no answer, and none of what it asked for. */
static void drop_queries_of(BerthAccess *access, const char *peer) {
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, access->queries);
    while (g_hash_table_iter_next(&iterator, NULL, &value))
        if (g_strcmp0(sd_bus_message_get_sender(((Query *)value)->call), peer) == 0)
            g_hash_table_iter_remove(&iterator);
}

static int on_owner_changed(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    BerthAccess *access = userdata;
    const char *name, *old, *new;

    (void)error;
    if (sd_bus_message_read(signal, "sss", &name, &old, &new) < 0 || new[0] != '\0')
        return 0;
    drop_queries_of(access, name);
    g_hash_table_remove(access->uids, name);
    if (access->left)
        access->left(name, access->left_userdata);
    return 0;
}

BerthAccess *berth_access_new(sd_bus *bus, GError **error) {
    BerthAccess *access = g_new0(BerthAccess, 1);

    access->bus = bus;
    access->uids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
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
    g_hash_table_unref(access->uids);
    sd_bus_slot_unref(access->owner_changed);
    g_free(access);
}

void berth_access_on_peer_left(BerthAccess *access, BerthPeerLeft left, void *userdata) {
    access->left = left;
    access->left_userdata = userdata;
}

unsigned berth_access_count_pending(BerthAccess *access) {
    return g_hash_table_size(access->queries);
}

/* Calls the handler again, and answers for it what sd-bus would have. */
static void go_on(Query *query) {
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
    BerthAccess *access = query->access;
    g_autoptr(sd_bus_message) call = sd_bus_message_ref(query->call);

    query->pending = false;
    sd_bus_message_rewind(call, 1);
    int r = query->handler(call, query->userdata, &error);
    if (r < 0 || sd_bus_error_is_set(&error)) {
        if (!sd_bus_error_is_set(&error))
            sd_bus_error_set_errno(&error, r);
        sd_bus_reply_method_error(call, &error);
    }
    query = g_hash_table_lookup(access->queries, call);
    if (query && !query->pending)
        g_hash_table_remove(access->queries, call);
}

static int on_credentials(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Query *query = userdata;
    uint32_t uid = UINT32_MAX;
    const char *key;

    (void)error;
    query->slot = sd_bus_slot_unref(query->slot);
    if (!sd_bus_message_is_method_error(reply, NULL) &&
        sd_bus_message_enter_container(reply, 'a', "{sv}") >= 0)
        while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
            if (sd_bus_message_read(reply, "s", &key) < 0)
                break;
            if (g_str_equal(key, "UnixUserID"))
                sd_bus_message_read(reply, "v", "u", &uid);
            else
                sd_bus_message_skip(reply, "v");
            sd_bus_message_exit_container(reply);
        }
    if (uid == UINT32_MAX)
        query->uid_failed = true;
    else
        g_hash_table_insert(query->access->uids, g_strdup(sd_bus_message_get_sender(query->call)),
                            GUINT_TO_POINTER(uid));
    go_on(query);
    return 0;
}

static int find_uid(Query *query, uint32_t *uid) {
    const char *sender = sd_bus_message_get_sender(query->call);
    gpointer value;

    if (!sender || query->uid_failed)
        return -EACCES;
    if (g_hash_table_lookup_extended(query->access->uids, sender, NULL, &value)) {
        *uid = GPOINTER_TO_UINT(value);
        return 1;
    }
    int r = sd_bus_call_method_async(
        query->access->bus, &query->slot, "org.freedesktop.DBus", "/org/freedesktop/DBus",
        "org.freedesktop.DBus", "GetConnectionCredentials", on_credentials, query, "s", sender);
    query->pending = r >= 0;
    return r < 0 ? r : 0;
}

static int on_verdict(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Query *query = userdata;
    int authorized = 0, challenge = 0;
    Verdict verdict = VERDICT_REFUSED;

    (void)error;
    query->slot = sd_bus_slot_unref(query->slot);
    if (sd_bus_message_is_method_error(reply, NULL))
        /* Without polkit nobody but root may do anything. */
        berth_log_warning(NULL, NULL, "Cannot ask polkit: %s",
                          sd_bus_message_get_error(reply)->message);
    else if (sd_bus_message_enter_container(reply, 'r', "bba{ss}") >= 0 &&
             sd_bus_message_read(reply, "bb", &authorized, &challenge) >= 0)
        verdict = authorized ? VERDICT_GRANTED : challenge ? VERDICT_CHALLENGE : VERDICT_REFUSED;
    g_hash_table_insert(query->verdicts, g_steal_pointer(&query->asked), GINT_TO_POINTER(verdict));
    go_on(query);
    return 0;
}

static int append_details(sd_bus_message *message, char *const *details) {
    int r = sd_bus_message_open_container(message, 'a', "{ss}");

    for (char *const *detail = details; r >= 0 && *detail; detail += 2)
        r = sd_bus_message_append(message, "{ss}", detail[0], detail[1]);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

static int ask_polkit(Query *query, const char *action, char *const *details, bool interactive) {
    g_autoptr(sd_bus_message) question = NULL;
    const char *sender = sd_bus_message_get_sender(query->call);
    int r;

    if ((r = sd_bus_message_new_method_call(
             query->access->bus, &question, "org.freedesktop.PolicyKit1",
             "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
             "CheckAuthorization")) < 0 ||
        (r = sd_bus_message_append(question, "(sa{sv})s", "system-bus-name", 1, "name", "s", sender,
                                   action)) < 0 ||
        (r = append_details(question, details)) < 0 ||
        (r = sd_bus_message_append(question, "us", interactive ? ALLOW_USER_INTERACTION : 0, "")) <
            0 ||
        (r = sd_bus_call_async(query->access->bus, &query->slot, question, on_verdict, query,
                               ASK_TIMEOUT_USEC)) < 0)
        return r;
    query->asked = g_strdup(action);
    query->pending = true;
    return 0;
}

/* 1 with *verdict, 0 while asking. */
static int decide(Query *query, const char *action, char *const *details, bool interactive,
                  Verdict *verdict) {
    gpointer value;
    uint32_t uid;
    int r = find_uid(query, &uid);

    if (r <= 0)
        return r;
    if (uid == 0) {
        *verdict = VERDICT_GRANTED;
        return 1;
    }
    if (g_hash_table_lookup_extended(query->verdicts, action, NULL, &value)) {
        *verdict = GPOINTER_TO_INT(value);
        return 1;
    }
    return ask_polkit(query, action, details, interactive);
}

/* A handler that has its answer and is not being called again here ends its query itself. */
static void forget_if_idle(Query *query, int r) {
    if (r != 0 && !query->pending && g_hash_table_size(query->verdicts) == 0)
        g_hash_table_remove(query->access->queries, query->call);
}

static int to_access(int r) {
    return r < 0 ? r : r == 0 ? BERTH_ACCESS_ASKING : BERTH_ACCESS_GRANTED;
}

int berth_access_check(BerthAccess *access, sd_bus_message *call, sd_bus_message_handler_t handler,
                       void *userdata, sd_bus_error *error, const char *action, ...) {
    Query *query = find_query(access, call, handler, userdata);
    g_autoptr(GPtrArray) details = g_ptr_array_new();
    Verdict verdict = VERDICT_REFUSED;
    va_list arguments;

    va_start(arguments, action);
    for (char *detail; (detail = va_arg(arguments, char *));)
        g_ptr_array_add(details, detail);
    va_end(arguments);
    g_ptr_array_add(details, NULL);
    int r = decide(query, action, (char **)details->pdata,
                   sd_bus_message_get_allow_interactive_authorization(call) > 0, &verdict);
    forget_if_idle(query, r);
    if (r < 0)
        return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED,
                                "who asks could not be found out");
    if (r == 0)
        return BERTH_ACCESS_ASKING;
    if (verdict == VERDICT_CHALLENGE)
        return sd_bus_error_setf(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                 "%s needs an administrator's authorization", action);
    if (verdict == VERDICT_REFUSED)
        return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "polkit does not allow %s",
                                 action);
    return BERTH_ACCESS_GRANTED;
}

int berth_access_query(BerthAccess *access, sd_bus_message *call, sd_bus_message_handler_t handler,
                       void *userdata, bool *granted, const char *action) {
    Query *query = find_query(access, call, handler, userdata);
    Verdict verdict = VERDICT_REFUSED;
    char *none[] = {NULL};
    int r = decide(query, action, none, false, &verdict);

    forget_if_idle(query, r);
    *granted = verdict == VERDICT_GRANTED;
    return to_access(r);
}

int berth_access_get_uid(BerthAccess *access, sd_bus_message *call,
                         sd_bus_message_handler_t handler, void *userdata, uint32_t *uid) {
    Query *query = find_query(access, call, handler, userdata);
    int r = find_uid(query, uid);

    forget_if_idle(query, r);
    return to_access(r);
}
