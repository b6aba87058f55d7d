/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What dist and berth-runtime append to calls in the same way, and how both detect a lost reply.
 * Each function returns a negative errno from sd-bus and sets no error: the error texts differ,
 * since berth-runtime's are never translated.
 */

#include "client/message.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <unistd.h>

int dist_open_list(sd_bus_message *call, const char *key, const char *type) {
    g_autofree char *array = g_strconcat("a", type, NULL);
    int r;

    if ((r = sd_bus_message_open_container(call, 'e', "sv")) < 0 ||
        (r = sd_bus_message_append(call, "s", key)) < 0 ||
        (r = sd_bus_message_open_container(call, 'v', array)) < 0)
        return r;
    return sd_bus_message_open_container(call, 'a', type);
}

int dist_close_list(sd_bus_message *call) {
    int r;

    if ((r = sd_bus_message_close_container(call)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

/* An empty list is not appended: to the service, a missing option and an empty list are the same.
 */
int dist_append_strings(sd_bus_message *call, const char *key, char *const *strings) {
    if (!strings || !strings[0])
        return 0;
    int r = dist_open_list(call, key, "s");
    for (; r >= 0 && *strings; strings++)
        r = sd_bus_message_append(call, "s", *strings);
    return r < 0 ? r : dist_close_list(call);
}

int dist_append_streams(sd_bus_message *call) {
    static const char *const keys[] = {"Stdin", "Stdout", "Stderr"};
    int r = 0;

    for (int fd = 0; r >= 0 && fd < 3; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            r = sd_bus_message_append(call, "{sv}", keys[fd], "h", fd);
    return r;
}

bool dist_error_is_loss(const sd_bus_error *error) {
    return sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) ||
           sd_bus_error_has_name(error, SD_BUS_ERROR_DISCONNECTED);
}

bool dist_reply_was_lost(sd_bus_message *reply) {
    return dist_error_is_loss(sd_bus_message_get_error(reply));
}

bool dist_error_is_absence(const sd_bus_error *error) {
    /* The bus tried to start the service, which failed this time, or took longer than the 25 s that
     * dbus-daemon waits. */
    static const char *const names[] = {
        SD_BUS_ERROR_NO_REPLY,
        SD_BUS_ERROR_DISCONNECTED,
        SD_BUS_ERROR_SERVICE_UNKNOWN,
        SD_BUS_ERROR_NAME_HAS_NO_OWNER,
        SD_BUS_ERROR_TIMEOUT,
        DIST_ERROR_TIMED_OUT,
        NULL,
    };

    return error && error->name &&
           (g_strv_contains(names, error->name) ||
            g_str_has_prefix(error->name, "org.freedesktop.DBus.Error.Spawn.") ||
            g_str_has_prefix(error->name, "org.freedesktop.systemd1."));
}

/* An administrator has masked the unit of the service or removed it, so no call starts it. */
bool dist_reply_is_refused_start(sd_bus_message *reply) {
    const sd_bus_error *error = sd_bus_message_get_error(reply);

    return sd_bus_error_has_name(error, "org.freedesktop.systemd1.UnitMasked") ||
           sd_bus_error_has_name(error, "org.freedesktop.systemd1.NoSuchUnit");
}

bool dist_reply_is_absence(sd_bus_message *reply) {
    return dist_error_is_absence(sd_bus_message_get_error(reply));
}

/* Soon at first, since the call itself starts the service; then once a second. */
uint64_t dist_absence_delay_usec(unsigned absences) {
    return absences < 10 ? 100 * 1000 : G_USEC_PER_SEC;
}

/* "unknown" is what sd_listen_fds_with_names(3) calls a descriptor without a name. */
int dist_append_named_descriptor(sd_bus_message *call, const char *name, int fd) {
    int null = fd < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;

    if (fd < 0 && null < 0)
        return -errno;
    int r = sd_bus_message_append(call, "(sh)", name ? name : "unknown", fd < 0 ? null : fd);
    if (null >= 0)
        close(null);
    return r;
}
