/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launch/streams.h"

#include "base/fd.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define FILE_NAME "streams"

enum { MAX_BYTES = 4096 };

/* One that CRIU knows as such: of devpts (Documentation/admin-guide/devices.txt). */
static bool is_terminal(dev_t device) {
    enum { FIRST_MAJOR = 136, LAST_MAJOR = 143 };

    return major(device) >= FIRST_MAJOR && major(device) <= LAST_MAJOR;
}

static bool is_of_network(int socket, pid_t pid) {
    g_autofree char *path = g_strdup_printf("/proc/%d/ns/net", (int)pid);
    berth_autofd int namespace = ioctl(socket, SIOCGSKNS);
    struct stat theirs, own;

    return namespace >= 0 && stat(path, &theirs) == 0 && fstat(namespace, &own) == 0 &&
           theirs.st_ino == own.st_ino && theirs.st_dev == own.st_dev;
}

static char *make_name(int fd, pid_t pid) {
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autofree char *link = g_file_read_link(path, NULL);
    struct stat status;

    if (!link || fstat(fd, &status) < 0)
        return g_strdup("");
    if (S_ISSOCK(status.st_mode))
        return g_strconcat(is_of_network(fd, pid) ? "" : BERTH_STREAM_FOREIGN, link, NULL);
    if (link[0] != '/')
        return g_steal_pointer(&link);
    if (S_ISCHR(status.st_mode) && is_terminal(status.st_rdev))
        return g_strdup_printf("tty[%" G_GINT64_MODIFIER "x:%" G_GINT64_MODIFIER "x]",
                               (guint64)status.st_rdev, (guint64)status.st_dev);
    return g_strdup_printf("file[%x:%" G_GINT64_MODIFIER "x]",
                           (unsigned)berth_fd_get_info(0, fd, "mnt_id"), (guint64)status.st_ino);
}

void berth_streams_name(BerthStreams *streams, const int fds[BERTH_STREAMS], pid_t pid) {
    for (int i = 0; i < BERTH_STREAMS; i++)
        streams->names[i] = make_name(fds[i], pid);
}

bool berth_streams_write(const BerthStreams *streams, int directory, GError **error) {
    g_autofree char *text =
        g_strdup_printf("%s\n%s\n%s\n", streams->names[0], streams->names[1], streams->names[2]);
    berth_autofd int file =
        openat(directory, FILE_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    return (file >= 0 && berth_fd_write_all(file, text, strlen(text))) ||
           berth_error_set_errno(error, errno, "write the names of the standard descriptors");
}

bool berth_streams_read(BerthStreams *streams, int directory, GError **error) {
    berth_autofd int file = openat(directory, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    size_t size;

    if (file < 0)
        return berth_error_set_errno(error, errno,
                                     "read the names of the standard descriptors; start the "
                                     "container anew");
    g_autofree char *text = berth_fd_read_whole(file, MAX_BYTES, &size, error);
    if (!text)
        return false;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    if (g_strv_length(lines) != BERTH_STREAMS + 1)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "the names of the standard descriptors are damaged");
    for (int i = 0; i < BERTH_STREAMS; i++)
        streams->names[i] = g_strdup(lines[i]);
    return true;
}

void berth_streams_clear(BerthStreams *streams) {
    for (int i = 0; i < BERTH_STREAMS; i++)
        g_clear_pointer(&streams->names[i], g_free);
}
