/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls on descriptors, without any state. Nothing here allocates memory. */

#include "bare/fd.h"

#include <errno.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

/* Enough for any descriptor whose information has a Pid or mnt_id, which come early in the text. */
enum { INFO_BYTES = 4096 };

int berth_fd_open_resolving(int directory, const char *path, int flags, mode_t mode,
                            uint64_t resolve) {
    /* openat2(2) fails with EINVAL if a mode is given without a file to create. Magic links in
     * /proc are never followed: they lead to any file that their process has open. */
    struct open_how how = {
        .flags = (uint64_t)flags | O_CLOEXEC,
        .mode = (flags & (O_CREAT | __O_TMPFILE)) ? mode : 0,
        .resolve = resolve | RESOLVE_NO_MAGICLINKS,
    };
    int fd;

    /* EAGAIN: a rename raced with the resolution; the kernel requests another attempt. */
    do
        fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
    while (fd < 0 && (errno == EAGAIN || errno == EINTR));
    return fd;
}

bool berth_fd_write_all(int fd, const void *data, size_t size) {
    const char *next = data;

    while (size > 0) {
        ssize_t written = write(fd, next, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        next += written;
        size -= (size_t)written;
    }
    return true;
}

ssize_t berth_fd_read_text(int fd, char *buffer, size_t size) {
    size_t length = 0;

    /* The byte reserved for the NUL shows whether there is more. */
    for (;;) {
        ssize_t part = read(fd, buffer + length, size + 1 - length);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return -1;
        length += (size_t)part;
        if (length > size) {
            errno = EFBIG;
            return -1;
        }
        if (part == 0)
            break;
    }
    buffer[length] = '\0';
    return (ssize_t)length;
}

int64_t berth_fd_get_info(pid_t pid, int fd, const char *name) {
    char path[64], start[32], text[INFO_BYTES + 1];
    const char *line = NULL;

    if (pid > 0)
        snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)pid, fd);
    else
        snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    snprintf(start, sizeof start, "\n%s:", name);
    berth_autofd int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (size > 0) {
        text[size] = '\0';
        line = strstr(text, start);
    }
    return line ? strtoll(line + strlen(start), NULL, 10) : -1;
}
