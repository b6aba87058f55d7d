/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the kernel lets nobody do to files but a process with capabilities of the machine's own user
 * namespace: attributes of trusted.* and security.*, and nodes of devices. A worker in another user
 * namespace has it done by its keeper (frame/box-keeper.c), a process with a socket, these few acts
 * and nothing else. A process without a keeper does it itself.
 *
 * All return as the system calls do, with errno; EPERM is also what a keeper says that does not do
 * this for anybody.
 */

#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* From here on the one at the other end of the socket does it. Once, before there are threads. */
void berth_keeper_use(int socket);

/* Does what is asked over the socket until its other end closes. What changes a file is done on
 * this mount only; 0: on any. */
G_GNUC_NORETURN void berth_keeper_serve(int socket, uint64_t mount);

/* Whether attributes of this name need it. */
bool berth_keeper_is_for(const char *xattr);

/* entry: a name in the directory fd, of which a symbolic link is not followed; NULL for fd itself.
 */
int berth_keeper_set_xattr(int fd, const char *entry, const char *xattr, const void *value,
                           size_t size);
int berth_keeper_remove_xattr(int fd, const char *xattr);

/* Of trusted.* only; what else there is, everybody may read. */
ssize_t berth_keeper_get_xattr(int fd, const char *xattr, void *value, size_t size);

/* All names, with trusted.*; as flistxattr(2). */
ssize_t berth_keeper_list_xattrs(int fd, char *names, size_t size);

int berth_keeper_make_device(int directory, const char *entry, mode_t mode, dev_t device);
