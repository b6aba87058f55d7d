/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The descriptors that dist was started with and passes to a process of a container: its standard
 * streams, the sockets of its unit (sd_listen_fds(3)) and those of --preserve-fds. sd-bus
 * duplicates a descriptor when it is appended to a message, so these stay open and belong to nobody
 * here.
 */

#include "client/descriptors.h"

#include "base/fd.h"
#include "client/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <systemd/sd-daemon.h>

/* Set once, while options are read. */
static int preserved;

bool dist_preserve_descriptors(gint64 count, GError **error) {
    if (count < 0 || count > 1000)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("invalid number of descriptors %ld"), (long)count);
    /* Before dist opens any descriptor: its own would take the numbers that are missing. */
    for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + (int)count; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   _("descriptor %d is not open: there is nothing to preserve"),
                                   fd);
    preserved = (int)count;
    return true;
}

int dist_append_null_streams(sd_bus_message *call) {
    berth_autofd int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    return null < 0 ? -errno
                    : sd_bus_message_append(call, "{sv}{sv}{sv}", "Stdin", "h", null, "Stdout", "h",
                                            null, "Stderr", "h", null);
}

int dist_append_descriptors(sd_bus_message *call) {
    g_auto(GStrv) names = NULL;
    int listening = sd_listen_fds_with_names(0, &names), r;

    if (listening < 0)
        return listening;
    /* Both begin at 3, so that the larger number includes the smaller. */
    int count = MAX(listening, preserved);
    if (count == 0)
        return 0;
    r = dist_open_list(call, "Descriptors", "(sh)");
    /* "unknown" is the name of sd_listen_fds_with_names(3) for a descriptor without one. */
    for (int i = 0; r >= 0 && i < count; i++)
        r = sd_bus_message_append(call, "(sh)", i < listening ? names[i] : "unknown",
                                  SD_LISTEN_FDS_START + i);
    return r < 0 ? r : dist_close_list(call);
}
