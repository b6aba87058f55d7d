/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The connection to the service, and calls that wait for their reply. The process has one
 * connection, made by the first call and renewed only if it is lost. dist_send() frees the call
 * that it sends.
 */

#include "client/bus.h"

#include "client/agent.h"
#include "client/sender.h"
#include "client/service-errors.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

/* polkit may ask for a password, and a wait for a container may take any time. */
#define CALL_TIMEOUT_USEC (UINT64_MAX)

/* How often the bus may give up before dist does. */
enum { MAX_WAITS = 5 };

/* NULL before the first call. */
static sd_bus *connection;

/* Slots of the old connection are useless afterwards. */
sd_bus *dist_bus_reconnect(GError **error) {
    connection = sd_bus_flush_close_unref(connection);
    return dist_bus(error);
}

bool dist_bus_is_here(void) {
    return !dist_settings.host && !dist_settings.machine;
}

sd_bus *dist_bus(GError **error) {
    int r;

    if (connection)
        return connection;
    if (dist_settings.host)
        r = sd_bus_open_system_remote(&connection, dist_settings.host);
    else if (dist_settings.machine)
        r = sd_bus_open_system_machine(&connection, dist_settings.machine);
    else
        r = sd_bus_open_system(&connection);
    if (r >= 0 && (r = dist_sender_filter(connection)) < 0)
        connection = sd_bus_close_unref(connection);
    if (r < 0) {
        berth_error_set_errno(error, r, "%s", _("connect to the system bus"));
        return NULL;
    }
    /* An agent on this machine cannot serve the polkitd of another one. */
    if (!dist_settings.no_ask_password && dist_bus_is_here())
        dist_agent_open();
    sd_bus_set_method_call_timeout(connection, CALL_TIMEOUT_USEC);
    /* A verb may run several event loops in turn, one for each transfer: the end of a loop must not
     * close the connection. */
    sd_bus_set_close_on_exit(connection, 0);
    sd_bus_set_allow_interactive_authorization(connection, !dist_settings.no_ask_password);
    return connection;
}

bool dist_bus_passes_descriptors(void) {
    return connection && sd_bus_can_send(connection, SD_BUS_TYPE_UNIX_FD) > 0;
}

/* Always returns false, with error set: sd-bus could not read or append something. */
bool dist_bad_reply(int r, GError **error) {
    return berth_error_set_errno(error, r, "%s", _("read the service's answer"));
}

bool dist_reply_or_ignored(sd_bus_message *reply, bool ignore, BerthErrorCode code,
                           GError **error) {
    if (reply || !ignore || !g_error_matches(*error, BERTH_ERROR, (int)code))
        return reply != NULL;
    g_clear_error(error);
    return true;
}

bool dist_delete_replaced(const char *path, const char *interface, const char *name,
                          GError **error) {
    g_autoptr(sd_bus_message) reply =
        dist_call(error, path, interface, "Delete", "sa{sv}", name, 1, "Force", "b", 1);

    return dist_reply_or_ignored(reply, true, BERTH_ERROR_NOT_FOUND, error);
}

/* The caller owns the call until dist_send() takes it. */
sd_bus_message *dist_new_call(GError **error, const char *path, const char *interface,
                              const char *member) {
    sd_bus_message *call = NULL;
    sd_bus *bus = dist_bus(error);

    if (!bus)
        return NULL;
    int r = sd_bus_message_new_method_call(bus, &call, DIST_DESTINATION, path, interface, member);
    if (r < 0)
        berth_error_set_errno(error, r, "%s", member);
    return call;
}

/* For replies passed to a callback, in which a method error is a message. */
bool dist_check_reply(sd_bus_message *reply, GError **error) {
    const sd_bus_error *reason = sd_bus_message_get_error(reply);

    dist_sender_note(reply);
    return !reason || dist_set_bus_error(error, reason, sd_bus_message_get_errno(reply));
}

int dist_copy_call(sd_bus *bus, sd_bus_message *call, sd_bus_message **copy) {
    int r = sd_bus_message_new_method_call(
        bus, copy, sd_bus_message_get_destination(call), sd_bus_message_get_path(call),
        sd_bus_message_get_interface(call), sd_bus_message_get_member(call));

    return r < 0 || (r = sd_bus_message_rewind(call, true)) < 0
               ? r
               : sd_bus_message_copy(*copy, call, true);
}

/* NULL on failure. The flag is not part of the contents. */
static sd_bus_message *copy_unanswered(sd_bus_message *call) {
    g_autoptr(sd_bus_message) copy = NULL;

    if (dist_copy_call(sd_bus_message_get_bus(call), call, &copy) < 0 ||
        sd_bus_message_set_allow_interactive_authorization(
            copy, sd_bus_message_get_allow_interactive_authorization(call)) < 0)
        return NULL;
    return g_steal_pointer(&copy);
}

/* dbus-daemon waits for the start of a service for 25 s. The service may need longer, for example
 * at boot, if its state is large; a call that the bus has answered itself has not reached it. */
sd_bus_message *dist_send_once(sd_bus_message *call, bool *lost, GError **error) {
    g_autoptr(sd_bus_message) owned = call;

    for (unsigned waits = 0;; waits++) {
        g_auto(sd_bus_error) bus_error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        int r = sd_bus_call(NULL, owned, CALL_TIMEOUT_USEC, &bus_error, &reply);
        sd_bus_message *copy =
            r < 0 && waits < MAX_WAITS && sd_bus_error_has_name(&bus_error, DIST_ERROR_TIMED_OUT)
                ? copy_unanswered(owned)
                : NULL;

        if (copy) {
            sd_bus_message_unref(owned);
            owned = copy;
            continue;
        }
        *lost = dist_error_is_loss(&bus_error);
        if (r >= 0) {
            dist_sender_note(reply);
            return reply;
        }
        dist_set_bus_error(error, &bus_error, -r);
        return NULL;
    }
}

sd_bus_message *dist_send(sd_bus_message *call, GError **error) {
    bool lost;

    return dist_send_once(call, &lost, error);
}

sd_bus_message *dist_call(GError **error, const char *path, const char *interface,
                          const char *member, const char *types, ...) {
    g_autoptr(sd_bus_message) call = dist_new_call(error, path, interface, member);
    va_list arguments;

    if (!call)
        return NULL;
    va_start(arguments, types);
    int r = sd_bus_message_appendv(call, types, arguments);
    va_end(arguments);
    if (r < 0) {
        berth_error_set_errno(error, r, "%s", member);
        return NULL;
    }
    return dist_send(g_steal_pointer(&call), error);
}

/* KEY alone means KEY with an empty value. */
int dist_append_label_map(sd_bus_message *call, char *const *labels) {
    int r = sd_bus_message_open_container(call, 'a', "{ss}");

    for (; r >= 0 && labels && *labels; labels++) {
        g_auto(GStrv) parts = g_strsplit(*labels, "=", 2);
        r = sd_bus_message_append(call, "{ss}", parts[0], parts[1] ? parts[1] : "");
    }
    return r < 0 ? r : sd_bus_message_close_container(call);
}

int dist_append_labels(sd_bus_message *call, const char *key, char *const *labels) {
    int r;

    if (!labels)
        return 0;
    if ((r = sd_bus_message_open_container(call, 'e', "sv")) < 0 ||
        (r = sd_bus_message_append(call, "s", key)) < 0 ||
        (r = sd_bus_message_open_container(call, 'v', "a{ss}")) < 0 ||
        (r = dist_append_label_map(call, labels)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}
