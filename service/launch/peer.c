/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launch/peer.h"

#include "base/envelope.h"
#include "base/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static int peer = -1, service = BERTH_SOCKET_FD;

void berth_fail_set_peer(int socket) {
    peer = socket;
}

void berth_fail_set_service(int socket) {
    service = socket;
}

void berth_peer_open_streams(void) {
    if (!berth_envelopes_open(STDIN_FILENO, 3))
        berth_fail_errno("descriptors", "the standard ones");
}

bool berth_peer_send(int socket, BerthLaunchMessage kind, const char *text, int fd) {
    char letter = (char)kind;
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec parts[] = {
        {&letter, 1},
        {(void *)text, text ? MIN(strlen(text), (size_t)BERTH_LAUNCH_MAX_TEXT) : 0},
    };
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = G_N_ELEMENTS(parts)};

    if (fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL) >= 0;
}

char berth_peer_receive(int socket, char **text, int *fd) {
    char buffer[1 + BERTH_LAUNCH_MAX_TEXT + 1];
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = {buffer, sizeof buffer - 1};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t size;
    int received = -1;

    do
        size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (size < 0 && (errno == EINTR || errno == ECONNRESET));
    if (size <= 0)
        return 0;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(&received, CMSG_DATA(header), sizeof received);
    if (fd)
        *fd = received;
    else if (received >= 0)
        close(received);
    buffer[size] = '\0';
    if (text)
        *text = g_strdup(buffer + 1);
    return buffer[0];
}

void berth_fail(const char *step, const char *object, const char *reason, int status) {
    g_autofree char *report =
        g_strdup_printf("%s%s%s: %s", step, object ? " " : "", object ? object : "", reason);

    berth_peer_send(service, BERTH_LAUNCH_FAILED, report, -1);
    if (peer >= 0)
        berth_peer_send(peer, BERTH_LAUNCH_PEER_FAILED, NULL, -1);
    _exit(status);
}

void berth_fail_with(const char *step, const GError *error) {
    berth_fail(step, NULL, error->message, BERTH_EXIT_LAUNCH);
}

void berth_fail_errno(const char *step, const char *object) {
    berth_fail(step, object, g_strerror(errno), BERTH_EXIT_LAUNCH);
}
