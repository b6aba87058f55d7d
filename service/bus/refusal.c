/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The bus does not notice that a service which it has started exits without having taken its name:
 * callers would wait until the bus gives up, 25 s. So a service that cannot start takes the name
 * nevertheless, and answers every call with the reason. Nothing else is running in berthd then, so
 * this blocks. There is no state.
 */

#include "bus/refusal.h"

#include "base/bus-error.h"
#include "bus/service.h"

/* Each call to a service that has exited is another start of it, and systemd refuses to start it
 * more than 60 times in 10 s (berthd.service); callers would wait again. With this pause, callers
 * that repeat their calls cannot reach that. After LONGEST_USEC, the next instance looks whether
 * the reason is gone. */
#define LINGER_USEC (G_USEC_PER_SEC / 5)
#define LONGEST_USEC (5 * G_USEC_PER_SEC)

static int on_call(sd_bus_message *message, void *userdata, sd_bus_error *error) {
    (void)error;
    if (sd_bus_message_is_method_call(message, NULL, NULL) <= 0)
        return 0;
    /* It may contain a password (on_message() in berthd.c). */
    (void)sd_bus_message_sensitive(message);
    (void)berth_bus_reply_error(message, userdata);
    return 1;
}

/* Negative if the connection is lost. */
static int process_all(sd_bus *bus) {
    int r;

    while ((r = sd_bus_process(bus, NULL)) > 0)
        ;
    return r;
}

void berth_refusal_answer(sd_bus *bus, const GError *error, bool lingers) {
    g_autoptr(GError) shown = g_error_copy(error);
    g_autoptr(sd_bus_slot) filter = NULL;
    gint64 end = g_get_monotonic_time() + LONGEST_USEC;

    g_prefix_error(&shown, "the service cannot start: ");
    /* The second call makes sure that everything that waited for the name has arrived. */
    if (sd_bus_add_filter(bus, &filter, on_call, shown) < 0 ||
        sd_bus_request_name(bus, BERTH_BUS_NAME, 0) < 0 ||
        sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                           "org.freedesktop.DBus", "GetId", NULL, NULL, "") < 0)
        return;
    while (process_all(bus) >= 0 && lingers && g_get_monotonic_time() < end &&
           sd_bus_wait(bus, LINGER_USEC) > 0)
        ;
    (void)sd_bus_flush(bus);
}
