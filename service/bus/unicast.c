/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Signals to single clients. A Line is a queue of signals to one client, and polkit is being asked
 * about the first of them. It exists only while signals wait; a client without a line gets its
 * signals immediately. The BerthUnicast owns the lines and the set of clients that have read images
 * or contents; the service owns the BerthUnicast. The one thing to know: while a signal waits, all
 * later ones to that client wait as well, even those that need no question, so that their order is
 * kept. See unicast.h.
 */

#include "bus/unicast.h"

#include "base/hold.h"

#include "bus/access.h"
#include "bus/polkit.h"

#include <string.h>

/* MAX_QUEUED: signals to one client that wait for polkit; further ones are dropped. MAX_CLIENTS:
 * clients of one user that receive the same signal. */
enum { MAX_QUEUED = 1000, MAX_CLIENTS = 16 };

/* The members whose callers receive signals afterwards: those that read something, and GetAll,
 * which proxies call first. */
static const struct {
    const char *interface, *member;
} looks[] = {
    {"Images", "Describe"}, {"Images", "Get"},    {"Images", "GetAll"}, {"Images", "Inspect"},
    {"Images", "List"},     {"Contents", "Info"}, {"Contents", "List"}, {"Contents", "GetAll"},
};

typedef struct {
    sd_bus_message *message;
    char *action, *key, *value;
} Signal;

/* Queued signals to one client; polkit is being asked about the first. */
typedef struct {
    BerthUnicast *unicast;
    char *client;
    GQueue signals;
    sd_bus_slot *slot;
} Line;

struct BerthUnicast {
    BerthService *service;
    GHashTable *lines;    /* client → Line, for clients with waiting signals */
    GHashTable *watchers; /* "Images :1.42" → BerthHold */
};

static void free_signal(gpointer data) {
    Signal *signal = data;

    sd_bus_message_unref(signal->message);
    g_free(signal->action);
    g_free(signal->key);
    g_free(signal->value);
    g_free(signal);
}

static void free_line(gpointer data) {
    Line *line = data;

    sd_bus_slot_unref(line->slot);
    g_queue_clear_full(&line->signals, free_signal);
    g_free(line->client);
    g_free(line);
}

BerthUnicast *berth_unicast_new(BerthService *service) {
    BerthUnicast *unicast = g_new0(BerthUnicast, 1);

    unicast->service = service;
    unicast->lines = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_line);
    unicast->watchers =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)berth_hold_free);
    return unicast;
}

void berth_unicast_free(BerthUnicast *unicast) {
    if (!unicast)
        return;
    g_hash_table_unref(unicast->lines);
    g_hash_table_unref(unicast->watchers);
    g_free(unicast);
}

static int unicast_on_verdict(sd_bus_message *reply, void *userdata, sd_bus_error *error);

/* Not interactive, so that the user is never asked to authenticate. The line owns the slot: when
 * the line is freed, the answer is discarded. */
static int unicast_ask(Line *line, const Signal *signal) {
    const BerthPermission permission = {.action = signal->action, .verb = "watch"};
    char *const details[] = {signal->key, signal->value, NULL};
    const BerthQuestion question = {.permission = &permission, .details = details};

    return berth_polkit_ask(line->unicast->service->bus, &line->slot, line->client, &question,
                            unicast_on_verdict, line);
}

/* Sends signals up to the first one that needs a question, and asks that question. A signal about
 * which polkit cannot be asked is dropped. An empty line is freed, and must not be used after this
 * call. */
static void go_on(Line *line) {
    Signal *signal;

    while ((signal = g_queue_peek_head(&line->signals))) {
        if (signal->action && unicast_ask(line, signal) >= 0)
            return;
        if (!signal->action)
            sd_bus_send(line->unicast->service->bus, signal->message, NULL);
        free_signal(g_queue_pop_head(&line->signals));
    }
    g_hash_table_remove(line->unicast->lines, line->client);
}

/* Anything but a grant drops the signal silently. */
static int unicast_on_verdict(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Line *line = userdata;
    Signal *signal = g_queue_peek_head(&line->signals);

    (void)error;
    line->slot = sd_bus_slot_unref(line->slot);
    if (berth_polkit_read_verdict(reply) == BERTH_AUDIT_GRANTED)
        sd_bus_send(line->unicast->service->bus, signal->message, NULL);
    free_signal(g_queue_pop_head(&line->signals));
    go_on(line);
    return 0;
}

/* An unknown client does not count as root. */
static bool is_root(BerthUnicast *unicast, const char *client) {
    uint32_t uid;

    return berth_access_find_uid(unicast->service->access, client, &uid) && uid == 0;
}

/* Takes ownership of message, which may be NULL. If the client has too many waiting signals, this
 * one is dropped. */
void berth_unicast_send(BerthUnicast *unicast, const char *client, sd_bus_message *message,
                        const BerthSignalRight *right) {
    g_autoptr(sd_bus_message) owned = message;
    const char *action = is_root(unicast, client) ? NULL : right->action;
    Line *line = g_hash_table_lookup(unicast->lines, client);

    if (!owned || sd_bus_message_set_destination(owned, client) < 0)
        return;
    if (!line && !action) {
        sd_bus_send(unicast->service->bus, owned, NULL);
        return;
    }
    if (line && g_queue_get_length(&line->signals) >= MAX_QUEUED)
        return;
    Signal *signal = g_new0(Signal, 1);
    *signal = (Signal){g_steal_pointer(&owned), g_strdup(action), g_strdup(right->key),
                       g_strdup(right->value)};
    if (line) {
        g_queue_push_tail(&line->signals, signal);
        return;
    }
    line = g_new0(Line, 1);
    line->unicast = unicast;
    line->client = g_strdup(client);
    g_queue_push_tail(&line->signals, signal);
    g_hash_table_insert(unicast->lines, line->client, line);
    go_on(line);
}

/* Called by dispatch.c after each call, whatever its result. Being in the set reveals nothing,
 * since each signal is checked. */
void berth_unicast_note(BerthUnicast *unicast, const char *interface, const char *member,
                        const char *client) {
    for (size_t i = 0; client && i < G_N_ELEMENTS(looks); i++)
        if (g_str_equal(looks[i].interface, interface) && g_str_equal(looks[i].member, member))
            g_hash_table_insert(unicast->watchers, g_strconcat(interface, " ", client, NULL),
                                berth_hold_new(BERTH_HOLD_LISTENER));
}

bool berth_unicast_count_client(GHashTable *users, uint32_t uid) {
    guint count = GPOINTER_TO_UINT(g_hash_table_lookup(users, GUINT_TO_POINTER(uid)));

    g_hash_table_insert(users, GUINT_TO_POINTER(uid), GUINT_TO_POINTER(count + 1));
    return uid == 0 || count < MAX_CLIENTS;
}

/* The call of an unknown client has not been answered yet, so it gets no signals. */
static bool is_served(BerthUnicast *unicast, const char *client, GHashTable *users) {
    uint32_t uid;

    return berth_access_find_uid(unicast->service->access, client, &uid) &&
           berth_unicast_count_client(users, uid);
}

/* A message has a single destination, so each client needs its own. */
void berth_unicast_tell(BerthUnicast *unicast, const char *interface, BerthSignalMake make,
                        const void *data, const BerthSignalRight *right) {
    g_autofree char *prefix = g_strconcat(interface, " ", NULL);
    g_autoptr(GHashTable) users = g_hash_table_new(NULL, NULL);
    GHashTableIter iterator;
    gpointer key;

    g_hash_table_iter_init(&iterator, unicast->watchers);
    while (g_hash_table_iter_next(&iterator, &key, NULL))
        if (g_str_has_prefix(key, prefix) &&
            is_served(unicast, (const char *)key + strlen(prefix), users))
            berth_unicast_send(unicast, (const char *)key + strlen(prefix),
                               make(unicast->service, data), right);
}

void berth_unicast_forget(BerthUnicast *unicast, const char *client) {
    static const char *const interfaces[] = {"Images ", "Contents "};

    g_hash_table_remove(unicast->lines, client);
    for (size_t i = 0; i < G_N_ELEMENTS(interfaces); i++) {
        g_autofree char *key = g_strconcat(interfaces[i], client, NULL);
        g_hash_table_remove(unicast->watchers, key);
    }
}
