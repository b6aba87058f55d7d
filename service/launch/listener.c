/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The connection to a listener for seccomp notifications. The outer process connects before the
 * inner one loads the filter, since the socket is on the host; the descriptor is sent once the
 * filter is loaded. The caller owns the connection.
 */

#include "launch/listener.h"

#include "bare/fd.h"
#include "bare/rights.h"
#include "launch/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int berth_listener_connect(const BerthSetup *setup, BerthFault *fault) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = setup->filter.socket;
    berth_autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (!path || path[0] != '/' || strlen(path) >= sizeof address.sun_path) {
        berth_fault_set(fault,
                        "seccomp: SCMP_ACT_NOTIFY needs a listenerPath, absolute and of less than "
                        "%zu characters",
                        sizeof address.sun_path);
        return -1;
    }
    strcpy(address.sun_path, path);
    if (!berth_host_enter(fault))
        return -1;
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        berth_fault_set_errno(fault, errno, "seccomp: connect to the listener at %s", path);
        return -1;
    }
    return berth_fd_steal(&fd);
}

/* See config-linux.md, The Container Process State. The caller frees the text. */
static char *format_state(const BerthSetup *setup, pid_t pid, const char *status, pid_t first) {
    char *text = NULL;

    return asprintf(&text, "%s,\"pid\":%d,\"state\":%s,\"status\":\"%s\",\"pid\":%d}}",
                    setup->filter.state, (int)pid, setup->state, status, (int)first) < 0
               ? NULL
               : text;
}

static ssize_t send_with_filter(int socket, const char *text, int filter) {
    BerthRights rights;
    struct iovec part = {(void *)text, strlen(text)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    berth_rights_add(&message, &rights, filter);
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

bool berth_listener_send(int socket, const BerthSetup *setup, int filter, pid_t pid,
                         const char *status, pid_t first, BerthFault *fault) {
    char *text = format_state(setup, pid, status, first);

    if (!text)
        return berth_fault_set_errno(fault, ENOMEM, "seccomp: hand over to the listener");
    ssize_t sent = send_with_filter(socket, text, filter);
    /* The descriptor was sent with the first byte. */
    bool good = sent > 0 && berth_fd_write_all(socket, text + sent, strlen(text) - (size_t)sent);
    int errnum = errno;
    free(text);
    return good || berth_fault_set_errno(fault, errnum, "seccomp: hand over to the listener");
}
