/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Connections to the system bus, and calls on them. Every call is made with the rights of
 * berth-runtime's caller and never asks for a password: an engine has no terminal to ask on. Calls
 * have no time-out, since Wait may take any time, and the service itself limits all others.
 */

#include "call.h"

#include <errno.h>
#include <stdarg.h>

/* About twenty seconds in all (runtime_call_wait_if_lost). */
enum { MAX_TRIES = 30 };

sd_bus *runtime_bus_open(GError **error) {
    sd_bus *bus = NULL;
    int r = sd_bus_open_system(&bus);

    if (r < 0) {
        berth_error_set_errno(error, r, "connect to the system bus");
        return NULL;
    }
    sd_bus_set_method_call_timeout(bus, UINT64_MAX);
    sd_bus_set_close_on_exit(bus, 0);
    return bus;
}

bool runtime_call_malformed(int r, GError **error) {
    return berth_error_set_errno(error, r, "exchange a message with the service");
}

sd_bus_message *runtime_call_new(sd_bus *bus, const char *member, GError **error) {
    sd_bus_message *call = NULL;
    int r = sd_bus_message_new_method_call(bus, &call, DIST_DESTINATION, DIST_CONTAINERS, member);

    if (r < 0)
        runtime_call_malformed(r, error);
    return call;
}

/* The domain of errors without a reply: the service was killed, or did not start. */
static GQuark call_lost_quark(void) {
    return g_quark_from_static_string("berth-runtime-call-lost");
}

/* podman recognizes a refusal by the words "permission denied". */
static bool runtime_call_set_error(GError **error, const sd_bus_error *reason) {
    const char *text = reason->message ? reason->message : reason->name;

    if (sd_bus_error_has_name(reason, SD_BUS_ERROR_ACCESS_DENIED) ||
        sd_bus_error_has_name(reason, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
        return berth_error_set(error, BERTH_ERROR_ACCESS_DENIED, "permission denied: %s", text);
    if (dist_error_is_absence(reason)) {
        g_set_error_literal(error, call_lost_quark(), 0, text);
        return false;
    }
    return berth_error_set(error, berth_error_from_bus_name(reason->name), "%s", text);
}

bool runtime_call_check(sd_bus_message *reply, GError **error) {
    const sd_bus_error *reason = sd_bus_message_get_error(reply);

    return !reason || runtime_call_set_error(error, reason);
}

/* Consumes call, even on error. NULL with error. */
sd_bus_message *runtime_call_send(sd_bus_message *call, GError **error) {
    g_autoptr(sd_bus_message) owned = call;
    g_auto(sd_bus_error) reason = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    int r = sd_bus_call(NULL, owned, UINT64_MAX, &reason, &reply);

    if (r >= 0)
        return reply;
    if (sd_bus_error_is_set(&reason))
        runtime_call_set_error(error, &reason);
    else
        runtime_call_malformed(r, error);
    return NULL;
}

bool runtime_call_was_lost(const GError *error) {
    return error && error->domain == call_lost_quark();
}

bool runtime_call_wait_if_lost(unsigned tries, const GError *error) {
    if (tries == MAX_TRIES || !runtime_call_was_lost(error))
        return false;
    g_usleep(dist_absence_delay_usec(tries));
    return true;
}

static sd_bus_message *call_with(sd_bus *bus, GError **error, const char *member, const char *types,
                                 va_list arguments) {
    g_autoptr(sd_bus_message) call = runtime_call_new(bus, member, error);

    if (!call)
        return NULL;
    int r = sd_bus_message_appendv(call, types, arguments);
    if (r < 0) {
        runtime_call_malformed(r, error);
        return NULL;
    }
    return runtime_call_send(g_steal_pointer(&call), error);
}

sd_bus_message *runtime_call(sd_bus *bus, GError **error, const char *member, const char *types,
                             ...) {
    va_list arguments;

    va_start(arguments, types);
    sd_bus_message *reply = call_with(bus, error, member, types, arguments);
    va_end(arguments);
    return reply;
}

sd_bus_message *runtime_call_until_answered(sd_bus *bus, GError **error, const char *member,
                                            const char *types, ...) {
    for (unsigned tries = 0;; tries++) {
        g_autoptr(GError) local = NULL;
        va_list arguments;
        va_start(arguments, types);
        sd_bus_message *reply = call_with(bus, &local, member, types, arguments);
        va_end(arguments);
        if (reply)
            return reply;
        if (!runtime_call_wait_if_lost(tries, local)) {
            g_propagate_error(error, g_steal_pointer(&local));
            return NULL;
        }
    }
}
