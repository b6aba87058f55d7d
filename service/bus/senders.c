/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A client that subscribes to the signals of a well-known name receives broadcasts of its owner
 * only. But every user of the machine can send a signal to the service directly, by its unique
 * name, with any path and interface: neither the bus nor sd-bus compares the sender of such a
 * signal with the name that was subscribed to. So one filter, which sees every message before the
 * subscribers do, drops signals that are neither from the bus itself nor from a known name's
 * present owner. A client cannot choose the sender in its messages; the bus fills it in.
 *
 * Each known name is asked for once, and then followed; berthd owns the object. Until the bus has
 * answered, signals of its owner are dropped, too. None of them is missed: the bus answers in the
 * order of the calls, so that the owner is known before systemd has anything to report about later
 * calls, or can address the service by its name.
 */

#include "bus/senders.h"

#include "systemd/manager.h"

#define FIREWALLD "org.fedoraproject.FirewallD1"
#define BUS "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

static const char *const known_names[] = {BERTH_SYSTEMD, FIREWALLD};

typedef struct {
    char *owner; /* unique name; NULL if there is none, or before the answer */
    sd_bus_slot *changes, *question;
} KnownSender;

struct BerthSenders {
    sd_bus_slot *filter;
    KnownSender known[G_N_ELEMENTS(known_names)];
};

static void sender_set_owner(KnownSender *known, const char *owner) {
    g_free(known->owner);
    known->owner = owner[0] != '\0' ? g_strdup(owner) : NULL;
}

static int sender_on_owner_changed(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    const char *name, *old, *new;

    (void)error;
    if (sd_bus_message_read(signal, "sss", &name, &old, &new) >= 0)
        sender_set_owner(userdata, new);
    return 0;
}

/* An error means that nobody owns the name. */
static int sender_on_owner(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    KnownSender *known = userdata;
    const char *owner;

    (void)error;
    known->question = sd_bus_slot_unref(known->question);
    if (!sd_bus_message_is_method_error(reply, NULL) &&
        sd_bus_message_read(reply, "s", &owner) >= 0)
        sender_set_owner(known, owner);
    return 0;
}

static int sender_follow(KnownSender *known, sd_bus *bus, const char *name) {
    g_autofree char *match = g_strconcat("type='signal',sender='" BUS "',path='" BUS_PATH "',"
                                         "interface='" BUS "',member='NameOwnerChanged',arg0='",
                                         name, "'", NULL);
    int r =
        sd_bus_add_match_async(bus, &known->changes, match, sender_on_owner_changed, NULL, known);

    return r < 0 ? r
                 : sd_bus_call_method_async(bus, &known->question, BUS, BUS_PATH, BUS,
                                            "GetNameOwner", sender_on_owner, known, "s", name);
}

/* Unique names begin with a colon. The sender of the bus's own signals is its well-known name, and
 * that of sd-bus's is none that the bus would let through. */
static bool senders_include(const BerthSenders *senders, const char *sender) {
    if (!sender || sender[0] != ':')
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(senders->known); i++)
        if (g_strcmp0(senders->known[i].owner, sender) == 0)
            return true;
    return false;
}

/* A filter that returns more than 0 has handled the message (sd_bus_add_filter(3)). */
static int senders_on_message(sd_bus_message *message, void *userdata, sd_bus_error *error) {
    (void)error;
    return sd_bus_message_is_signal(message, NULL, NULL) > 0 &&
           !senders_include(userdata, sd_bus_message_get_sender(message));
}

BerthSenders *berth_senders_new(sd_bus *bus, GError **error) {
    BerthSenders *senders = g_new0(BerthSenders, 1);
    int r = sd_bus_add_filter(bus, &senders->filter, senders_on_message, senders);

    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(senders->known); i++)
        r = sender_follow(&senders->known[i], bus, known_names[i]);
    if (r >= 0)
        return senders;
    berth_error_set_errno(error, r, "watch the bus");
    berth_senders_free(senders);
    return NULL;
}

void berth_senders_free(BerthSenders *senders) {
    if (!senders)
        return;
    sd_bus_slot_unref(senders->filter);
    for (size_t i = 0; i < G_N_ELEMENTS(senders->known); i++) {
        sd_bus_slot_unref(senders->known[i].changes);
        sd_bus_slot_unref(senders->known[i].question);
        g_free(senders->known[i].owner);
    }
    g_free(senders);
}
