/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Signals to single clients. A SignalQueue holds signals to one client while polkit is asked
 * about the first of them. It exists only while signals wait; a client without a queue gets its
 * signals immediately. The BerthUnicast owns the queues and the set of clients that have read
 * images or contents; the service owns the BerthUnicast. The one thing to know: while a signal
 * waits, all later ones to that client wait as well, even those that need no question, so that
 * their order is kept. See unicast.h.
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
} reading_members[] = {
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
} SignalQueue;

struct BerthUnicast {
    BerthService *service;
    GHashTable *queues;    /* client → SignalQueue, for clients with waiting signals */
    GHashTable *listeners; /* "Images :1.42" → BerthHold */
};

static void unicast_signal_free(gpointer data) {
    Signal *signal = data;

    sd_bus_message_unref(signal->message);
    g_free(signal->action);
    g_free(signal->key);
    g_free(signal->value);
    g_free(signal);
}

static void signal_queue_free(gpointer data) {
    SignalQueue *queue = data;

    sd_bus_slot_unref(queue->slot);
    g_queue_clear_full(&queue->signals, unicast_signal_free);
    g_free(queue->client);
    g_free(queue);
}

BerthUnicast *berth_unicast_new(BerthService *service) {
    BerthUnicast *unicast = g_new0(BerthUnicast, 1);

    unicast->service = service;
    unicast->queues = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, signal_queue_free);
    unicast->listeners =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)berth_hold_free);
    return unicast;
}

void berth_unicast_free(BerthUnicast *unicast) {
    if (!unicast)
        return;
    g_hash_table_unref(unicast->queues);
    g_hash_table_unref(unicast->listeners);
    g_free(unicast);
}

static int unicast_on_verdict(sd_bus_message *reply, void *userdata, sd_bus_error *error);

/* Not interactive, so that the user is never asked to authenticate. The queue owns the slot: when
 * the queue is freed, the answer is discarded. */
static int unicast_ask(SignalQueue *queue, const Signal *signal) {
    const BerthPermission permission = {.action = signal->action, .verb = "watch"};
    char *const details[] = {signal->key, signal->value, NULL};
    const BerthQuestion question = {.permission = &permission, .details = details};

    return berth_polkit_ask(queue->unicast->service->bus, &queue->slot, queue->client, &question,
                            unicast_on_verdict, queue);
}

/* Sends signals up to the first one that needs a question, and asks that question. A signal about
 * which polkit cannot be asked is dropped. An empty queue is freed, and must not be used after this
 * call. */
static void unicast_send_waiting(SignalQueue *queue) {
    Signal *signal;

    while ((signal = g_queue_peek_head(&queue->signals))) {
        if (signal->action && unicast_ask(queue, signal) >= 0)
            return;
        if (!signal->action)
            sd_bus_send(queue->unicast->service->bus, signal->message, NULL);
        unicast_signal_free(g_queue_pop_head(&queue->signals));
    }
    g_hash_table_remove(queue->unicast->queues, queue->client);
}

/* Anything but a grant drops the signal silently. */
static int unicast_on_verdict(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    SignalQueue *queue = userdata;
    Signal *signal = g_queue_peek_head(&queue->signals);

    (void)error;
    queue->slot = sd_bus_slot_unref(queue->slot);
    if (berth_polkit_read_verdict(reply) == BERTH_AUDIT_GRANTED)
        sd_bus_send(queue->unicast->service->bus, signal->message, NULL);
    unicast_signal_free(g_queue_pop_head(&queue->signals));
    unicast_send_waiting(queue);
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
    SignalQueue *queue = g_hash_table_lookup(unicast->queues, client);

    if (!owned || sd_bus_message_set_destination(owned, client) < 0)
        return;
    if (!queue && !action) {
        sd_bus_send(unicast->service->bus, owned, NULL);
        return;
    }
    if (queue && g_queue_get_length(&queue->signals) >= MAX_QUEUED)
        return;
    Signal *signal = g_new0(Signal, 1);
    *signal = (Signal){g_steal_pointer(&owned), g_strdup(action), g_strdup(right->key),
                       g_strdup(right->value)};
    if (queue) {
        g_queue_push_tail(&queue->signals, signal);
        return;
    }
    queue = g_new0(SignalQueue, 1);
    queue->unicast = unicast;
    queue->client = g_strdup(client);
    g_queue_push_tail(&queue->signals, signal);
    g_hash_table_insert(unicast->queues, queue->client, queue);
    unicast_send_waiting(queue);
}

/* Called by dispatch.c after each call, whatever its result. Being in the set reveals nothing,
 * since each signal is checked. */
void berth_unicast_add_listener(BerthUnicast *unicast, const char *interface, const char *member,
                                const char *client) {
    for (size_t i = 0; client && i < G_N_ELEMENTS(reading_members); i++)
        if (g_str_equal(reading_members[i].interface, interface) &&
            g_str_equal(reading_members[i].member, member))
            g_hash_table_insert(unicast->listeners, g_strconcat(interface, " ", client, NULL),
                                berth_hold_new(BERTH_HOLD_LISTENER));
}

bool berth_unicast_count_client(GHashTable *users, uint32_t uid) {
    guint count = GPOINTER_TO_UINT(g_hash_table_lookup(users, GUINT_TO_POINTER(uid)));

    g_hash_table_insert(users, GUINT_TO_POINTER(uid), GUINT_TO_POINTER(count + 1));
    return uid == 0 || count < MAX_CLIENTS;
}

/* The call of an unknown client has not been answered yet, so it gets no signals. */
static bool unicast_is_client_served(BerthUnicast *unicast, const char *client, GHashTable *users) {
    uint32_t uid;

    return berth_access_find_uid(unicast->service->access, client, &uid) &&
           berth_unicast_count_client(users, uid);
}

/* A message has a single destination, so each client needs its own. */
void berth_unicast_send_to_listeners(BerthUnicast *unicast, const char *interface,
                                     BerthSignalMake make, const void *data,
                                     const BerthSignalRight *right) {
    g_autofree char *prefix = g_strconcat(interface, " ", NULL);
    g_autoptr(GHashTable) users = g_hash_table_new(NULL, NULL);
    GHashTableIter iterator;
    gpointer key;

    g_hash_table_iter_init(&iterator, unicast->listeners);
    while (g_hash_table_iter_next(&iterator, &key, NULL))
        if (g_str_has_prefix(key, prefix) &&
            unicast_is_client_served(unicast, (const char *)key + strlen(prefix), users))
            berth_unicast_send(unicast, (const char *)key + strlen(prefix),
                               make(unicast->service, data), right);
}

void berth_unicast_forget(BerthUnicast *unicast, const char *client) {
    static const char *const interfaces[] = {"Images ", "Contents "};

    g_hash_table_remove(unicast->queues, client);
    for (size_t i = 0; i < G_N_ELEMENTS(interfaces); i++) {
        g_autofree char *key = g_strconcat(interfaces[i], client, NULL);
        g_hash_table_remove(unicast->listeners, key);
    }
}
