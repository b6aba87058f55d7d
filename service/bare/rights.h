/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One descriptor with a message of a Unix socket (SCM_RIGHTS in unix(7)). */

#pragma once

#include <sys/socket.h>

/* The control data of one message, which has to last as long as its header. */
typedef union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
} BerthRights;

/* Sends fd along; -1: nothing. */
void berth_rights_add(struct msghdr *message, BerthRights *rights, int fd);

/* Makes room for one descriptor in a message that is to be received. */
void berth_rights_expect(struct msghdr *message, BerthRights *rights);
/* The descriptor that came with it, which is the caller's; -1 for none. */
int berth_rights_take(struct msghdr *message);
