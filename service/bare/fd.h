/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* File descriptors with only the C library; base/fd.h adds functions that report a GError. */

#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

static inline void berth_fd_clear(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static inline int berth_fd_steal(int *fd) {
    int taken = *fd;

    *fd = -1;
    return taken;
}

#define berth_autofd __attribute__((cleanup(berth_fd_clear)))

/* openat2(2) with O_CLOEXEC, the given RESOLVE_ flags and RESOLVE_NO_MAGICLINKS; tries again if a
 * rename raced with the resolution. Returns the descriptor, or -1 with errno. */
int berth_fd_open_resolving(int directory, const char *path, int flags, mode_t mode,
                            uint64_t resolve);

/* Writes all of it, despite short writes and EINTR; false with errno. */
bool berth_fd_write_all(int fd, const void *data, size_t size);

/* Reads from the current position to the end, at most size bytes, and adds a NUL, so buffer must
 * have size + 1 bytes. Returns the number of bytes, or -1 with errno: EFBIG if there are more. */
ssize_t berth_fd_read_text(int fd, char *buffer, size_t size);

/* A number in the information about a descriptor (proc_pid_fdinfo(5)) by its name, such as "Pid" or
 * "mnt_id", of this process (pid 0) or another one; -1 if it has none. */
int64_t berth_fd_get_info(pid_t pid, int fd, const char *name);
