/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The descriptors that dist was started with and passes to a process of a container: its standard
 * streams, its unit's sockets (sd_listen_fds(3)), and those of --preserve-fds and --preserve-fd.
 * sd-bus duplicates a descriptor when it is appended to a message, so these stay open and nothing
 * here owns them.
 */

#include "client/descriptors.h"

#include "base/fd.h"
#include "client/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <systemd/sd-daemon.h>

enum { MAX_DESCRIPTOR = 1000 };

/* Set once, while options are parsed: what the process receives as descriptors 3, 4 and so on. -1
 * marks a gap between numbers of --preserve-fd, which the process sees as /dev/null. */
static GArray *preserved;

static void descriptor_preserve(int fd) {
    const int gap = -1;

    if (!preserved)
        preserved = g_array_new(FALSE, FALSE, sizeof(int));
    while (preserved->len < (guint)(fd - SD_LISTEN_FDS_START))
        g_array_append_val(preserved, gap);
    if (preserved->len == (guint)(fd - SD_LISTEN_FDS_START))
        g_array_append_val(preserved, fd);
    else
        g_array_index(preserved, int, fd - SD_LISTEN_FDS_START) = fd;
}

/* Called before dist opens any descriptor, which could otherwise occupy a number that the user
 * forgot to open. */
static bool descriptor_preserve_open(int fd, GError **error) {
    if (fcntl(fd, F_GETFD) < 0)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("descriptor %d is not open: there is nothing to preserve"), fd);
    descriptor_preserve(fd);
    return true;
}

static bool descriptors_preserve_listed(const char *list, GError **error) {
    g_auto(GStrv) numbers = g_strsplit(list, ",", -1);
    guint64 fd;

    for (char **number = numbers; *number; number++) {
        if (!g_ascii_string_to_unsigned(*number, 10, SD_LISTEN_FDS_START, MAX_DESCRIPTOR, &fd,
                                        NULL))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   _("invalid value \"%s\" of %s"), list, "--preserve-fd");
        if (!descriptor_preserve_open((int)fd, error))
            return false;
    }
    return true;
}

bool dist_preserve_descriptors(gint64 count, char *const *lists, GError **error) {
    if (count < 0 || count > MAX_DESCRIPTOR)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("invalid number of descriptors %ld"), (long)count);
    for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + (int)count; fd++)
        if (!descriptor_preserve_open(fd, error))
            return false;
    for (; lists && *lists; lists++)
        if (!descriptors_preserve_listed(*lists, error))
            return false;
    return true;
}

int dist_append_null_streams(sd_bus_message *call) {
    berth_autofd int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    return null < 0 ? -errno
                    : sd_bus_message_append(call, "{sv}{sv}{sv}", "Stdin", "h", null, "Stdout", "h",
                                            null, "Stderr", "h", null);
}

unsigned dist_count_descriptors(bool has_streams) {
    return (has_streams ? 3 : 0) + (preserved ? preserved->len : 0);
}

int dist_append_descriptors(sd_bus_message *call) {
    g_auto(GStrv) names = NULL;
    int listening = sd_listen_fds_with_names(0, &names), r;

    if (listening < 0)
        return listening;
    /* Both count from 3, so the unit's sockets are the first of the preserved descriptors. */
    for (int i = 0; i < listening; i++)
        descriptor_preserve(SD_LISTEN_FDS_START + i);
    if (!preserved)
        return 0;
    r = dist_open_list(call, "Descriptors", "(sh)");
    for (int i = 0; r >= 0 && i < (int)preserved->len; i++)
        r = dist_append_named_descriptor(call, i < listening ? names[i] : NULL,
                                         g_array_index(preserved, int, i));
    return r < 0 ? r : dist_close_list(call);
}
