/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Records decisions and changes in the journal. A Change is a pending call of a member that changes
 * something. It is in the table "calls" from the call's arrival, and in the table "transfers" after
 * the call has been answered with a transfer; the tables own it. It ends in one record, or in none
 * if nothing came of the call or if the record of a refused decision already says the same. The
 * tables exist between berth_audit_open() and berth_audit_close(). See audit.h.
 */

#include "bus/audit.h"

#include "base/bus-error.h"
#include "bus/audit-record.h"

#include <string.h>

#define CONTAINERS "/org/berth1/containers"

enum { MAX_JOINED_BYTES = 512 };

typedef struct {
    char *member;              /* "Images.Pull" */
    char *client;              /* unique bus name */
    BerthCaller *caller;       /* NULL while unknown */
    bool held;                 /* answered by a pending call instead of the handler */
    BerthAuditVerdict verdict; /* on the last question; granted before the first one */
    char *action;              /* that was granted last */
    GHashTable *details;       /* key → value, from all questions */
    char *argument;            /* the object as named in the call */
    char *object;     /* as named in the first question that names one; NULL: none so far */
    char *error_name; /* of the error reply; NULL: none */
} Change;

static GHashTable *calls;     /* sd_bus_message → Change */
static GHashTable *transfers; /* number → Change */

static void free_caller(BerthCaller *caller) {
    if (caller)
        g_free(caller->unit);
    g_free(caller);
}

static void free_change(gpointer data) {
    Change *change = data;

    g_free(change->member);
    g_free(change->client);
    free_caller(change->caller);
    g_free(change->action);
    g_hash_table_unref(change->details);
    g_free(change->argument);
    g_free(change->object);
    g_free(change->error_name);
    g_free(change);
}

static void audit_unref_call(gpointer call) {
    sd_bus_message_unref(call);
}

static Change *find_change(sd_bus_message *call) {
    return calls ? g_hash_table_lookup(calls, call) : NULL;
}

/* The result of a change is the name of its error reply, wherever in the service that reply is
 * created. */
static void on_error_reply(sd_bus_message *call, const char *name) {
    Change *change = find_change(call);

    if (change) {
        g_free(change->error_name);
        change->error_name = g_strdup(name);
    }
}

/* Makes a copy: the caller may leave the bus, and be forgotten, before the change ends. */
static void take_caller(Change *change, const BerthCaller *caller) {
    if (change->caller || !caller)
        return;
    change->caller = g_memdup2(caller, sizeof *caller);
    change->caller->unit = g_strdup(caller->unit);
}

/* Returns the name of the object of the operation. If the row's details begin with a pod, that is
 * the pod's name, since an operation on a pod affects its containers as well. Otherwise it is the
 * first of these keys that has a value. */
static const char *find_object(const BerthPermission *permission, GHashTable *details) {
    static const char *const keys[] = {"container", "image",  "reference", "volume", "lease",
                                       "transfer",  "digest", "network",   NULL};

    if (permission->details && g_str_has_prefix(permission->details, "pod"))
        return g_hash_table_lookup(details, "pod");

    for (const char *const *key = keys; *key; key++) {
        const char *value = g_hash_table_lookup(details, *key);
        if (value && value[0])
            return value;
    }
    return NULL;
}

static void add_caller(BerthLogEntry *entry, const BerthCaller *caller, const char *client) {
    g_autofree char *uid = caller ? g_strdup_printf("%u", caller->uid) : NULL;
    g_autofree char *pid = caller && caller->pid ? g_strdup_printf("%u", caller->pid) : NULL;

    berth_audit_add(entry, "CALLER_UID", uid);
    berth_audit_add(entry, "CALLER_PID", pid);
    berth_audit_add(entry, "CALLER_UNIT", caller ? caller->unit : NULL);
    berth_audit_add(entry, "CALLER_NAME", client);
}

/* Adds the remaining fields and defers sending to when the loop is idle, so that no caller waits
 * for the journal. */
static void send_record(BerthLogEntry *entry, const char *member, const char *action,
                        const char *object, const char *result, const char *function) {
    g_autofree char *full = action ? g_strconcat(BERTH_ACTION_PREFIX, action, NULL) : NULL;

    berth_audit_add(entry, "BERTH_MEMBER", member);
    berth_audit_add(entry, "BERTH_ACTION", full);
    berth_audit_add(entry, "BERTH_OBJECT", object);
    berth_audit_add(entry, "BERTH_RESULT", result);
    berth_log_entry_add(entry, "CODE_FILE", __FILE__);
    berth_log_entry_add(entry, "CODE_FUNC", function);
    berth_log_entry_send_later(entry);
}

static void record_add_details(BerthLogEntry *entry, GHashTable *details) {
    GHashTableIter iterator;
    gpointer key, value;

    g_hash_table_iter_init(&iterator, details);
    while (g_hash_table_iter_next(&iterator, &key, &value))
        berth_audit_add_detail(entry, key, value);
}

static char *describe_caller(const BerthCaller *caller) {
    return caller ? g_strdup_printf("User %u", caller->uid) : g_strdup("An unknown user");
}

/* All unknown callers count as one user, UINT32_MAX, for the limit, so that together they cannot
 * flood the journal. */
static void record_change(const Change *change, const char *error_name) {
    const BerthCaller *caller = change->caller;
    const char *named = change->object ? change->object : change->argument;
    g_autofree char *object = berth_audit_clean("image", named ? named : "");
    g_autofree char *description = describe_caller(caller);
    g_autofree char *message = g_strdup_printf(
        "%s called %s%s%s%s: %s", description, change->member, object[0] ? " of \"" : "", object,
        object[0] ? "\"" : "", error_name ? error_name : "ok");

    if (!berth_audit_limit_take(caller ? caller->uid : UINT32_MAX,
                                error_name ? BERTH_AUDIT_FAILURE : BERTH_AUDIT_GOOD))
        return;
    BerthLogEntry *entry = berth_log_entry_new(LOG_INFO, BERTH_MESSAGE_AUDIT_CHANGE, message);
    berth_log_entry_add(entry, "BERTH_AUDIT", "change");
    add_caller(entry, caller, change->client);
    record_add_details(entry, change->details);
    send_record(entry, change->member, change->action, object, error_name ? error_name : "ok",
                G_STRFUNC);
}

static GHashTable *new_details(void) {
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void put_details(GHashTable *table, const BerthPermission *permission,
                        char *const *details) {
    g_hash_table_replace(table, g_strdup("verb"), g_strdup(permission->verb));
    for (char *const *detail = details; detail[0]; detail += 2)
        if (detail[1])
            g_hash_table_replace(table, g_strdup(detail[0]),
                                 berth_permission_format_detail(permission, detail[0], detail[1]));
}

/* A call can lead to several questions about several names; these are joined, up to
 * MAX_JOINED_BYTES. */
static void join_detail(GHashTable *table, const char *key, const char *value) {
    const char *before = g_hash_table_lookup(table, key);

    if (!before)
        g_hash_table_insert(table, g_strdup(key), g_strdup(value));
    else if (!g_str_equal(before, value) && strlen(before) < MAX_JOINED_BYTES)
        g_hash_table_insert(table, g_strdup(key), g_strconcat(before, " ", value, NULL));
}

/* A later grant overrides a refusal: some members ask for one right and, if that is refused, for
 * another. */
static void take_decision(Change *change, const BerthPermission *permission, char *const *details,
                          BerthAuditVerdict verdict) {
    g_autoptr(GHashTable) table = new_details();
    GHashTableIter iterator;
    gpointer key, value;

    put_details(table, permission, details);
    if (!change->object)
        change->object = g_strdup(find_object(permission, table));
    g_hash_table_iter_init(&iterator, table);
    while (g_hash_table_iter_next(&iterator, &key, &value))
        join_detail(change->details, key, value);
    change->verdict = verdict;
    if (verdict != BERTH_AUDIT_GRANTED)
        return;
    g_free(change->action);
    change->action = g_strdup(permission->action);
}

static char *make_member(sd_bus_message *call) {
    const char *member;
    const char *interface = berth_permission_read_member(call, &member);

    return g_strconcat(interface ? interface : "", ".", member, NULL);
}

static void audit_record_decision(sd_bus_message *call, const BerthCaller *caller,
                                  const BerthPermission *permission, char *const *details,
                                  BerthAuditVerdict verdict) {
    static const char *const results[] = {"granted", "refused", "challenge"};
    static const char *const verbs[] = {"was allowed", "was refused",
                                        "would need an administrator's authorization for"};
    bool granted = verdict == BERTH_AUDIT_GRANTED;
    g_autoptr(GHashTable) table = new_details();
    g_autofree char *member = make_member(call);
    g_autofree char *description = describe_caller(caller);

    put_details(table, permission, details);
    const char *named = find_object(permission, table);
    g_autofree char *object = berth_audit_clean("image", named ? named : "");
    g_autofree char *message = g_strdup_printf(
        "%s %s " BERTH_ACTION_PREFIX "%s for %s%s%s%s", description, verbs[verdict],
        permission->action, member, object[0] ? " of \"" : "", object, object[0] ? "\"" : "");
    BerthLogEntry *entry = berth_log_entry_new(
        granted ? LOG_INFO : LOG_NOTICE,
        granted ? BERTH_MESSAGE_AUDIT_GRANTED : BERTH_MESSAGE_AUDIT_REFUSED, message);
    berth_log_entry_add(entry, "BERTH_AUDIT", "decision");
    add_caller(entry, caller, sd_bus_message_get_sender(call));
    record_add_details(entry, table);
    send_record(entry, member, permission->action, object, results[verdict], G_STRFUNC);
}

void berth_audit_decision(sd_bus_message *call, const BerthCaller *caller,
                          const BerthPermission *permission, char *const *details,
                          BerthAuditVerdict verdict) {
    Change *change = find_change(call);
    const char *member;
    const char *interface = berth_permission_read_member(call, &member);

    if (change) {
        take_caller(change, caller);
        take_decision(change, permission, details, verdict);
    }
    /* Root is granted everything, so its decisions are recorded only for members that change
     * something. */
    if (caller->uid == 0 && !berth_permission_changes(interface, member))
        return;
    if (berth_audit_limit_take(caller->uid, verdict == BERTH_AUDIT_GRANTED ? BERTH_AUDIT_GOOD
                                                                           : BERTH_AUDIT_REFUSAL))
        audit_record_decision(call, caller, permission, details, verdict);
}

/* Returns the container in the object path; otherwise the first argument if it is a string, which
 * is a name in all members that change something. The call is rewound for its handler. */
static char *read_object(sd_bus_message *call) {
    const char *path = sd_bus_message_get_path(call), *name = NULL;
    g_autofree char *id = NULL;
    char type;

    if (path && sd_bus_path_decode(path, CONTAINERS, &id) > 0 && id[0] != '\0')
        return g_steal_pointer(&id);
    if (sd_bus_message_peek_type(call, &type, NULL) > 0 && type == SD_BUS_TYPE_STRING)
        (void)sd_bus_message_read(call, "s", &name);
    char *object = g_strdup(name);
    (void)sd_bus_message_rewind(call, 1);
    return object;
}

void berth_audit_begin(sd_bus_message *call) {
    const char *member;
    const char *interface = berth_permission_read_member(call, &member);

    if (!calls || !interface || !berth_permission_changes(interface, member))
        return;
    Change *change = g_new0(Change, 1);
    change->member = make_member(call);
    change->client = g_strdup(sd_bus_message_get_sender(call));
    change->details = new_details();
    change->argument = read_object(call);
    g_hash_table_insert(calls, sd_bus_message_ref(call), change);
}

bool berth_audit_follows_call(sd_bus_message *call) {
    return find_change(call) != NULL;
}

static bool is_refusal(const char *error_name) {
    return g_strcmp0(error_name, SD_BUS_ERROR_ACCESS_DENIED) == 0 ||
           g_strcmp0(error_name, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED) == 0;
}

static void audit_end(sd_bus_message *call, Change *change) {
    /* Otherwise the record of the refused decision already says the same. */
    if (change->verdict == BERTH_AUDIT_GRANTED || !is_refusal(change->error_name))
        record_change(change, change->error_name);
    g_hash_table_remove(calls, call);
}

/* A call held by a pending call is answered later and ends in berth_audit_release(). */
void berth_audit_settle(sd_bus_message *call, const BerthCaller *caller, const char *error_name) {
    Change *change = find_change(call);

    if (!change)
        return;
    take_caller(change, caller);
    if (error_name)
        on_error_reply(call, error_name);
    if (!change->held)
        audit_end(call, change);
}

/* A pending call takes over the change, so that berth_audit_settle() does not end it after the
 * handler. */
void berth_audit_hold(sd_bus_message *call) {
    Change *change = find_change(call);

    if (change)
        change->held = true;
}

void berth_audit_release(sd_bus_message *call) {
    Change *change = find_change(call);

    if (change)
        audit_end(call, change);
}

/* The authorization is freed in any case. A held call continues without it, and so does its
 * change. */
void berth_audit_drop(sd_bus_message *call) {
    const Change *change = find_change(call);

    if (change && !change->held)
        g_hash_table_remove(calls, call);
}

static const char *get_error_name(const GError *error) {
    static char *name; /* valid until the next call */

    g_free(name);
    name = error ? g_strconcat(BERTH_ERROR_PREFIX, berth_error_get_name(error->code), NULL) : NULL;
    return name;
}

/* Moves the change from the call to the transfer. The transfer may have ended before its call is
 * answered; that end would not be reported again. */
void berth_audit_follow(sd_bus_message *call, const BerthTransfer *transfer) {
    gpointer key, value;

    if (!calls || !g_hash_table_steal_extended(calls, call, &key, &value))
        return;
    sd_bus_message_unref(key);
    guint64 number = transfer->number;
    g_hash_table_insert(transfers, g_memdup2(&number, sizeof number), value);
    if (transfer->state != BERTH_TRANSFER_RUNNING)
        berth_audit_transfer_ended(transfer);
}

void berth_audit_transfer_ended(const BerthTransfer *transfer) {
    Change *change = transfers ? g_hash_table_lookup(transfers, &transfer->number) : NULL;

    if (!change)
        return;
    record_change(change, get_error_name(transfer->error));
    g_hash_table_remove(transfers, &transfer->number);
}

void berth_audit_adopt(const BerthTransfer *transfer) {
    Change *change = g_new0(Change, 1);
    guint64 number = transfer->number;

    change->member = g_strdup(g_str_equal(transfer->kind, "pull") ? "Images.Pull" : "Images.Fetch");
    change->details = new_details();
    change->object = g_strdup(transfer->reference);
    take_caller(change, &(BerthCaller){.uid = transfer->owner});
    g_hash_table_insert(transfers, g_memdup2(&number, sizeof number), change);
}

void berth_audit_open(sd_event *event) {
    calls = g_hash_table_new_full(NULL, NULL, audit_unref_call, free_change);
    transfers = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_change);
    berth_audit_limit_open(event);
    berth_bus_error_observe(on_error_reply);
}

/* The service exits before these changes end. They are recorded with the error that the bus sends
 * to the client in this case. */
static void close_table(GHashTable **table) {
    GHashTableIter iterator;
    gpointer change;

    if (!*table)
        return;
    g_hash_table_iter_init(&iterator, *table);
    while (g_hash_table_iter_next(&iterator, NULL, &change))
        record_change(change, SD_BUS_ERROR_NO_REPLY);
    g_clear_pointer(table, g_hash_table_unref);
}

void berth_audit_close(void) {
    berth_bus_error_observe(NULL);
    close_table(&calls);
    close_table(&transfers);
    berth_audit_limit_close();
}
