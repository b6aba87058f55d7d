/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A message with more descriptors than the bus allows is not refused: dbus-daemon closes the
 * connection of its sender, and nobody learns why. The limit is part of the bus's configuration
 * (dbus-daemon(1), max_message_unix_fds), which a client cannot ask for, and dbus-broker has none
 * for a message. So a call with more than the default is tried: a second connection, which may be
 * lost, sends as many to the bus itself, which does not keep them.
 */

#include "client/descriptor-limit.h"

#include "base/fd.h"
#include "client/message.h"

#include <errno.h>

/* The default of dbus-daemon, DBUS_DEFAULT_MESSAGE_UNIX_FDS. */
enum { DEFAULT_LIMIT = 16 };

#define TRIAL_TIMEOUT_USEC (10 * G_USEC_PER_SEC)

static int limit_connect(sd_bus *like, sd_bus **bus) {
    const char *address;
    int r;

    if ((r = sd_bus_get_address(like, &address)) < 0 || (r = sd_bus_new(bus)) < 0 ||
        (r = sd_bus_set_address(*bus, address)) < 0 || (r = sd_bus_set_bus_client(*bus, true)) < 0)
        return r;
    return sd_bus_start(*bus);
}

static int limit_make_trial(sd_bus *bus, unsigned count, sd_bus_message **trial) {
    berth_autofd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int r = null < 0 ? -errno
                     : sd_bus_message_new_method_call(bus, trial, "org.freedesktop.DBus",
                                                      "/org/freedesktop/DBus",
                                                      "org.freedesktop.DBus.Peer", "Ping");

    for (unsigned i = 0; r >= 0 && i < count; i++)
        r = sd_bus_message_append(*trial, "h", null);
    return r;
}

/* Any answer will do, and so will any other failure: the call that follows reports it better. */
static bool bus_passes(sd_bus *like, unsigned count) {
    g_autoptr(sd_bus) bus = NULL;
    g_autoptr(sd_bus_message) trial = NULL, reply = NULL;
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;

    return limit_connect(like, &bus) < 0 || limit_make_trial(bus, count, &trial) < 0 ||
           sd_bus_call(bus, trial, TRIAL_TIMEOUT_USEC, &error, &reply) >= 0 ||
           !dist_error_is_loss(&error);
}

bool dist_check_descriptors(unsigned count, GError **error) {
    sd_bus *bus = count > DEFAULT_LIMIT ? dist_bus(NULL) : NULL;

    return !bus || bus_passes(bus, count) ||
           berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                           _("the call has %u files and descriptors, more than the system bus "
                             "passes on at once (%u, unless configured otherwise); mount "
                             "directories instead of several files in them, use volumes, or raise "
                             "max_message_unix_fds of the bus (dbus-daemon(1))"),
                           count, DEFAULT_LIMIT);
}
