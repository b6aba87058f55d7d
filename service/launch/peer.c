/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Messages as packets. The state here is the two sockets through which a failure is reported. They
 * belong to the process for its whole life, and it has only one thread.
 */

#include "launch/peer.h"

#include "bare/envelope.h"
#include "bare/fd.h"
#include "bare/rights.h"
#include "launch/text.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static int peer = -1, service = BERTH_SOCKET_FD;

void berth_fail_set_peer(int socket) {
    peer = socket;
}

void berth_fail_set_service(int socket) {
    service = socket;
}

void berth_peer_begin(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

const BerthSetup *berth_peer_map_setup(void) {
    const BerthSetup *setup = berth_setup_map(BERTH_CONFIG_FD);

    if (!setup)
        berth_fail_errno("configuration", NULL);
    return setup;
}

void berth_peer_open_streams(void) {
    if (!berth_envelopes_open(STDIN_FILENO, 3))
        berth_fail_errno("descriptors", "the standard ones");
}

bool berth_peer_has_left(int socket) {
    struct pollfd end = {.fd = socket};

    return poll(&end, 1, 0) > 0 && (end.revents & POLLHUP);
}

bool berth_peer_send(int socket, BerthLaunchMessage message, const char *text, int fd) {
    char letter = (char)message;
    BerthRights rights;
    struct iovec parts[] = {
        {&letter, 1},
        {(void *)text, text ? strnlen(text, BERTH_LAUNCH_MAX_TEXT) : 0},
    };
    struct msghdr header = {.msg_iov = parts, .msg_iovlen = BERTH_COUNT(parts)};

    berth_rights_add(&header, &rights, fd);
    /* A receiver that has gone is not an error of this process, which SIGPIPE would kill. */
    return sendmsg(socket, &header, MSG_NOSIGNAL) >= 0;
}

bool berth_peer_send_process(int socket, BerthLaunchMessage message, int pid, int pidfd) {
    char text[16];

    snprintf(text, sizeof text, "%d", pid);
    return berth_peer_send(socket, message, text, pidfd);
}

char berth_peer_receive(int socket, int *fd) {
    char buffer[1 + BERTH_LAUNCH_MAX_TEXT];
    BerthRights rights;
    struct iovec part = {buffer, sizeof buffer};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t size;

    berth_rights_expect(&header, &rights);
    /* ECONNRESET: the peer closed the socket with something unread. Its own messages can still be
     * received. */
    do
        size = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    while (size < 0 && (errno == EINTR || errno == ECONNRESET));
    /* An error other than these means that nothing will come any more, as the end does. */
    if (size <= 0)
        return 0;
    int received = berth_rights_take(&header);
    if (fd)
        *fd = received;
    else if (received >= 0)
        close(received);
    return buffer[0];
}

/* This message tells the peer about the failure: a socket that closes without it means that the
 * command runs. */
void berth_fail_silently(int status) {
    if (peer >= 0)
        berth_peer_send(peer, BERTH_LAUNCH_PEER_FAILED, NULL, -1);
    _exit(status);
}

void berth_fail(const char *step, const char *object, const char *reason, int status) {
    BerthFault report;

    berth_fault_set(&report, "%s%s%s: %s", step, object ? " " : "", object ? object : "", reason);
    berth_peer_send(service, BERTH_LAUNCH_FAILED, report.text, -1);
    berth_fail_silently(status);
}

void berth_fail_with(const char *step, const BerthFault *fault) {
    berth_fail(step, NULL, fault->text, BERTH_EXIT_LAUNCH);
}

void berth_fail_errno(const char *step, const char *object) {
    berth_fail(step, object, berth_fault_describe(errno), BERTH_EXIT_LAUNCH);
}
