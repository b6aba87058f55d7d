/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * File operations that only a process with capabilities in the initial user namespace can perform:
 * setting trusted.* and security.* attributes, and creating device nodes. For a worker in another
 * user namespace, its keeper performs them (frame/sandbox-users.c): a process that has a socket and
 * that can do these few operations and nothing else. A process without a keeper performs them
 * itself.
 *
 * All functions return like the system calls, with errno set. A keeper answers EPERM to an
 * operation that it refuses to workers.
 */

#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* From now on, passes all operations to the keeper at the other end of the socket. Called once,
 * before there are threads. */
void berth_keeper_use(int socket);

/* Serves requests from the socket until its other end is closed. Only files on this mount are
 * changed; 0: on any mount. */
G_GNUC_NORETURN void berth_keeper_serve(int socket, uint64_t mount);

/* Whether an attribute of this name needs the keeper. */
bool berth_keeper_is_for(const char *xattr);

/* entry is a name in the directory fd, which is not followed if it is a symbolic link; NULL for fd
 * itself. */
int berth_keeper_set_xattr(int fd, const char *entry, const char *xattr, const void *value,
                           size_t size);
int berth_keeper_remove_xattr(int fd, const char *xattr);

/* Only for trusted.*; any process can read other attributes. */
ssize_t berth_keeper_get_xattr(int fd, const char *xattr, void *value, size_t size);

/* Lists all names, including trusted.*, like flistxattr(2). */
ssize_t berth_keeper_list_xattrs(int fd, char *names, size_t size);

/* Creates a character or block device node; entry is a name in the directory. */
int berth_keeper_make_device(int directory, const char *entry, mode_t mode, dev_t device);
