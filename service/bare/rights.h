/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One descriptor with a message on a Unix socket (SCM_RIGHTS in unix(7)). */

#pragma once

#include <sys/socket.h>

/* The control data of one message, which must live as long as its header. */
typedef union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
} BerthRights;

/* Sends fd along; nothing if it is -1. */
void berth_rights_add(struct msghdr *message, BerthRights *rights, int fd);

/* Makes room for one descriptor in a message that is about to be received. */
void berth_rights_expect(struct msghdr *message, BerthRights *rights);
/* The descriptor that came with it, which the caller owns; -1 if there is none. */
int berth_rights_take(struct msghdr *message);
