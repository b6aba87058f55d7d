/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What only a process with capabilities in the machine's own user namespace may do to files: set
 * attributes of trusted.* and security.*, and make device nodes. For a worker in another user
 * namespace its keeper does it (frame/sandbox-users.c), a process that has a socket, these few acts
 * and nothing else. A process without a keeper does it itself.
 *
 * All return as the system calls do, with errno. A keeper answers EPERM to an act that it does for
 * no worker.
 */

#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* From now on, the keeper at the other end of the socket acts. Called once, before there are
 * threads. */
void berth_keeper_use(int socket);

/* Serves requests from the socket until its other end closes. Files are changed on this mount only;
 * 0: on any. */
G_GNUC_NORETURN void berth_keeper_serve(int socket, uint64_t mount);

/* Whether attributes of this name need it. */
bool berth_keeper_is_for(const char *xattr);

/* entry: a name in the directory fd, of which a symbolic link is not followed; NULL for fd itself.
 */
int berth_keeper_set_xattr(int fd, const char *entry, const char *xattr, const void *value,
                           size_t size);
int berth_keeper_remove_xattr(int fd, const char *xattr);

/* Of trusted.* only; any process may read the others. */
ssize_t berth_keeper_get_xattr(int fd, const char *xattr, void *value, size_t size);

/* All names, with trusted.*; as flistxattr(2). */
ssize_t berth_keeper_list_xattrs(int fd, char *names, size_t size);

int berth_keeper_make_device(int directory, const char *entry, mode_t mode, dev_t device);
