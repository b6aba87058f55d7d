/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sends and receives a descriptor with a message. There is no state. A process never receives more
 * descriptors than it takes, whatever the other side sends.
 */

#include "bare/rights.h"

#include <string.h>

void berth_rights_add(struct msghdr *message, BerthRights *rights, int fd) {
    if (fd < 0)
        return;
    memset(rights, 0, sizeof *rights);
    message->msg_control = rights->bytes;
    message->msg_controllen = sizeof rights->bytes;
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
}

/* CMSG_SPACE() includes padding, into which the kernel would put a second descriptor that nobody
 * takes. The kernel closes those for which there is no room. */
void berth_rights_expect(struct msghdr *message, BerthRights *rights) {
    message->msg_control = rights->bytes;
    message->msg_controllen = CMSG_LEN(sizeof(int));
}

int berth_rights_take(struct msghdr *message) {
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    int fd = -1;

    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}
