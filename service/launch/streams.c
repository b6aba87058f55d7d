/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The names of a container's standard descriptors, stored for a checkpoint in a file in its
 * directory, one per line. They are the names that CRIU uses: for a file, the IDs of its mount and
 * inode rather than a path. There is no state here.
 */

#include "launch/streams.h"

#include "bare/fd.h"
#include "launch/text.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define FILE_NAME "streams"

enum { MAX_BYTES = 4096 };

/* A terminal in CRIU's sense: one of devpts (Documentation/admin-guide/devices.txt). */
static bool is_terminal(dev_t device) {
    enum { FIRST_MAJOR = 136, LAST_MAJOR = 143 };

    return major(device) >= FIRST_MAJOR && major(device) <= LAST_MAJOR;
}

/* Returns true if the socket belongs to the network namespace of the process. CRIU cannot dump
 * sockets of others (checkpoint/dump.c). */
static bool is_of_network(int socket, pid_t pid) {
    char path[BERTH_PROC_PATH_BYTES];
    berth_autofd int namespace = ioctl(socket, SIOCGSKNS);
    struct stat theirs, own;

    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
    return namespace >= 0 && stat(path, &theirs) == 0 && fstat(namespace, &own) == 0 &&
           theirs.st_ino == own.st_ino && theirs.st_dev == own.st_dev;
}

static void make_stream_name(int fd, pid_t pid, char name[BERTH_STREAM_NAME_BYTES]) {
    char path[BERTH_PROC_PATH_BYTES], link[PATH_MAX];
    struct stat status;

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(path, link, sizeof link - 1);
    name[0] = '\0';
    if (size < 0 || fstat(fd, &status) < 0)
        return;
    link[size] = '\0';
    /* For pipes, sockets and the like, the kernel's link is a short name, such as pipe:[1234]. */
    if (S_ISSOCK(status.st_mode))
        snprintf(name, BERTH_STREAM_NAME_BYTES, "%s%.100s",
                 is_of_network(fd, pid) ? "" : BERTH_STREAM_FOREIGN, link);
    else if (link[0] != '/')
        snprintf(name, BERTH_STREAM_NAME_BYTES, "%.100s", link);
    else if (S_ISCHR(status.st_mode) && is_terminal(status.st_rdev))
        snprintf(name, BERTH_STREAM_NAME_BYTES, "tty[%llx:%llx]",
                 (unsigned long long)status.st_rdev, (unsigned long long)status.st_dev);
    else
        snprintf(name, BERTH_STREAM_NAME_BYTES, "file[%x:%llx]",
                 (unsigned)berth_fd_get_info(0, fd, "mnt_id"), (unsigned long long)status.st_ino);
}

void berth_streams_name(BerthStreams *streams, const int fds[BERTH_STREAMS], pid_t pid) {
    for (int i = 0; i < BERTH_STREAMS; i++)
        make_stream_name(fds[i], pid, streams->names[i]);
}

bool berth_streams_write(const BerthStreams *streams, int directory, BerthFault *fault) {
    berth_autofd int file =
        openat(directory, FILE_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    return (file >= 0 && dprintf(file, "%s\n%s\n%s\n", streams->names[0], streams->names[1],
                                 streams->names[2]) >= 0) ||
           berth_fault_set_errno(fault, errno, "write the names of the standard descriptors");
}

bool berth_streams_read(BerthStreams *streams, int directory, BerthFault *fault) {
    berth_autofd int file = openat(directory, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char text[MAX_BYTES + 1], *rest = text;

    if (file < 0 || berth_fd_read_text(file, text, MAX_BYTES) < 0)
        return berth_fault_set_errno(fault, errno,
                                     "read the names of the standard descriptors; start the "
                                     "container again");
    for (int i = 0; i < BERTH_STREAMS; i++) {
        const char *line = strsep(&rest, "\n");
        if (!line || !rest || strlen(line) >= BERTH_STREAM_NAME_BYTES)
            return berth_fault_set(fault, "the names of the standard descriptors are damaged");
        strcpy(streams->names[i], line);
    }
    return rest[0] == '\0' ||
           berth_fault_set(fault, "the names of the standard descriptors are damaged");
}
