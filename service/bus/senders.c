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

#include "base/name-owner.h"
#include "systemd/manager.h"

#define FIREWALLD "org.fedoraproject.FirewallD1"

static const char *const known_names[] = {BERTH_SYSTEMD, FIREWALLD};

typedef struct {
    char *owner; /* unique name; NULL if there is none, or before the answer */
    BerthNameOwner follower;
} KnownSender;

struct BerthSenders {
    sd_bus_slot *filter;
    KnownSender known[G_N_ELEMENTS(known_names)];
};

static void sender_set_owner(const char *owner, void *userdata) {
    KnownSender *known = userdata;

    g_free(known->owner);
    known->owner = owner[0] != '\0' ? g_strdup(owner) : NULL;
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
        r = berth_name_owner_follow(&senders->known[i].follower, bus, known_names[i],
                                    sender_set_owner, &senders->known[i]);
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
        berth_name_owner_clear(&senders->known[i].follower);
        g_free(senders->known[i].owner);
    }
    g_free(senders);
}
