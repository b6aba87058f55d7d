/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every user of the machine can send a signal to dist directly, with any path and interface; the
 * bus compares the sender of broadcasts alone with the name that was subscribed to. So a filter
 * drops signals that are neither from the bus nor from the connection that has answered dist's last
 * call, which is the service's: the bus delivers only replies that were asked for. A service that
 * was restarted has another connection, and is called before it sends signals.
 */

#include "client/sender.h"

#include <glib.h>
#include <stdbool.h>

/* Its unique name, which begins with a colon; NULL before the first reply. */
static char *service;

static bool sender_is_client(const char *sender) {
    return sender && sender[0] == ':';
}

/* A filter that returns more than 0 has handled the message (sd_bus_add_filter(3)). */
static int sender_on_message(sd_bus_message *message, void *userdata, sd_bus_error *error) {
    const char *sender = sd_bus_message_get_sender(message);

    (void)userdata;
    (void)error;
    return sd_bus_message_is_signal(message, NULL, NULL) > 0 && sender_is_client(sender) &&
           g_strcmp0(sender, service) != 0;
}

int dist_sender_filter(sd_bus *bus) {
    g_clear_pointer(&service, g_free);
    return sd_bus_add_filter(bus, NULL, sender_on_message, NULL);
}

void dist_sender_note(sd_bus_message *reply) {
    const char *sender = sd_bus_message_get_sender(reply);

    /* The bus itself answers calls of a service that it could not start. */
    if (!sender_is_client(sender) || g_strcmp0(sender, service) == 0)
        return;
    g_free(service);
    service = g_strdup(sender);
}
