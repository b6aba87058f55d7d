/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "checkpoint/streams.h"

#include "base/fd.h"
#include "checkpoint/criu.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#define FILE_NAME "streams"

/* One that CRIU knows as such: of devpts (Documentation/admin-guide/devices.txt). */
static bool is_terminal(dev_t device) {
    enum { FIRST_MAJOR = 136, LAST_MAJOR = 143 };

    return major(device) >= FIRST_MAJOR && major(device) <= LAST_MAJOR;
}

static char *find_name(pid_t pid, int number, GHashTable *mounts) {
    g_autofree char *path = g_strdup_printf("/proc/%d/fd/%d", (int)pid, number);
    g_autofree char *link = g_file_read_link(path, NULL);
    unsigned mount = (unsigned)berth_fd_get_info(pid, number, "mnt_id");
    struct stat status;

    if (!link || stat(path, &status) < 0)
        return g_strdup("");
    if (g_str_has_prefix(link, "pipe:[") || g_str_has_prefix(link, "socket:["))
        return g_steal_pointer(&link);
    if (link[0] != '/' || g_hash_table_contains(mounts, GUINT_TO_POINTER(mount)))
        return g_strdup("");
    if (S_ISCHR(status.st_mode) && is_terminal(status.st_rdev))
        return g_strdup_printf("tty[%" G_GINT64_MODIFIER "x:%" G_GINT64_MODIFIER "x]",
                               (guint64)status.st_rdev, (guint64)status.st_dev);
    return g_strdup_printf("file[%x:%" G_GINT64_MODIFIER "x]", mount, (guint64)status.st_ino);
}

void berth_streams_find(BerthStreams *streams, pid_t pid, GHashTable *mounts) {
    for (int i = 0; i < BERTH_STREAMS; i++)
        streams->names[i] = find_name(pid, i, mounts);
}

static bool is_of_network(int socket, const struct stat *network) {
    berth_autofd int namespace = socket < 0 ? -1 : ioctl(socket, SIOCGSKNS);
    struct stat status;

    return namespace >= 0 && fstat(namespace, &status) == 0 && status.st_ino == network->st_ino &&
           status.st_dev == network->st_dev;
}

bool berth_streams_check(const BerthStreams *streams, pid_t pid, int pidfd, GError **error) {
    g_autofree char *path = g_strdup_printf("/proc/%d/ns/net", (int)pid);
    struct stat network;

    if (stat(path, &network) < 0)
        return berth_error_set_errno(error, errno, "look at the container's network namespace");
    for (int i = 0; i < BERTH_STREAMS; i++) {
        if (!g_str_has_prefix(streams->names[i], "socket:"))
            continue;
        berth_autofd int socket = (int)syscall(SYS_pidfd_getfd, pidfd, i, 0);
        if (!is_of_network(socket, &network))
            return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                                   "standard descriptor %d is a socket of another network "
                                   "namespace%s, which CRIU cannot write to disk",
                                   i, i == 0 ? "" : ", as to the journal after a restore");
    }
    return true;
}

void berth_streams_add_external(const BerthStreams *streams, GPtrArray *arguments) {
    for (int i = 0; i < BERTH_STREAMS; i++) {
        const char *name = streams->names[i];
        if (g_str_has_prefix(name, "socket:"))
            berth_criu_add(arguments, "--external=unix%s", name + strlen("socket:"));
        else if (name[0] == 'f' || name[0] == 't')
            berth_criu_add(arguments, "--external=%s", name);
    }
}

bool berth_streams_write(const BerthStreams *streams, const char *images, GError **error) {
    g_autofree char *path = g_build_filename(images, FILE_NAME, NULL);
    g_autofree char *text =
        g_strdup_printf("%s\n%s\n%s\n", streams->names[0], streams->names[1], streams->names[2]);

    return g_file_set_contents(path, text, -1, error);
}

bool berth_streams_read(BerthStreams *streams, const char *images, GError **error) {
    g_autofree char *path = g_build_filename(images, FILE_NAME, NULL);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, error))
        return false;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    if (g_strv_length(lines) != BERTH_STREAMS + 1)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION, "%s is damaged", path);
    for (int i = 0; i < BERTH_STREAMS; i++)
        streams->names[i] = g_strdup(lines[i]);
    return true;
}

void berth_streams_clear(BerthStreams *streams) {
    for (int i = 0; i < BERTH_STREAMS; i++)
        g_clear_pointer(&streams->names[i], g_free);
}
