/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A socket of packets (SOCK_SEQPACKET): a request of two bytes, and a reply with an error code
 * (255: none) and its text. Both sides are the same build. The path is used through /proc, because
 * it may be longer than a socket address allows.
 */

#include "monitor-socket.h"

#include "base/fd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { MAX_TEXT = 4096, NO_ERROR = 255, REQUEST_TIMEOUT_SEC = 5 };

/* Through /proc, since a record's path is often longer than the 108 bytes of sun_path (unix(7)).
 * The caller closes the directory after binding or connecting. */
static bool monitor_socket_address(const RuntimeRecord *record, int *directory,
                                   struct sockaddr_un *address) {
    *directory = open(record->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/door", *directory);
    return *directory >= 0;
}

int runtime_monitor_socket_open(const RuntimeRecord *record, GError **error) {
    berth_autofd int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    berth_autofd int directory = -1;
    struct sockaddr_un address;

    if (listener < 0 || !monitor_socket_address(record, &directory, &address) ||
        bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(listener, 4) < 0) {
        berth_error_set_errno(error, errno, "make a socket in %s", record->directory);
        return -1;
    }
    return berth_fd_steal(&listener);
}

void runtime_monitor_socket_remove(const RuntimeRecord *record) {
    g_autofree char *path = g_build_filename(record->directory, "door", NULL);

    (void)unlink(path);
}

bool runtime_monitor_socket_ask(const RuntimeRecord *record, RuntimeMonitorRequest request,
                                int signal_number, GError **error) {
    berth_autofd int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    const unsigned char packet[] = {(unsigned char)request, (unsigned char)signal_number};
    char answer[MAX_TEXT + 2] = "";
    berth_autofd int directory = -1;
    struct sockaddr_un address;

    if (!monitor_socket_address(record, &directory, &address) || connection < 0 ||
        connect(connection, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        send(connection, packet, sizeof(packet), MSG_NOSIGNAL) < 0)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container %s is not waiting to be started", record->id);
    /* No time-out: a start takes as long as the service and the container's hooks need. */
    ssize_t n = recv(connection, answer, sizeof(answer) - 1, 0);
    if (n < 1)
        return berth_error_set(error, BERTH_ERROR_INTERNAL,
                               "the monitor of container %s ended without an answer", record->id);
    int code = (unsigned char)answer[0];
    return code == NO_ERROR ||
           berth_error_set(error, code < BERTH_ERROR_COUNT ? code : BERTH_ERROR_INTERNAL, "%s",
                           answer + 1);
}

/* The receive time-out keeps a client that connects and sends nothing from blocking the monitor.
 * Only the owner can reach the socket, whose directory has mode 0700. */
int runtime_monitor_socket_accept(int listener, RuntimeMonitorRequest *request,
                                  int *signal_number) {
    const struct timeval timeout = {.tv_sec = REQUEST_TIMEOUT_SEC};
    berth_autofd int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    unsigned char packet[2];

    if (connection < 0 ||
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
        recv(connection, packet, sizeof(packet), 0) != sizeof(packet) ||
        (packet[0] != RUNTIME_MONITOR_START && packet[0] != RUNTIME_MONITOR_KILL))
        return -1;
    *request = (RuntimeMonitorRequest)packet[0];
    *signal_number = packet[1];
    return berth_fd_steal(&connection);
}

/* One packet: a byte with the error code, or NO_ERROR, and the message. Both ends are the same
 * program, so codes need no translation. */
void runtime_monitor_socket_answer(int connection, const GError *reason) {
    char answer[MAX_TEXT + 1] = {(char)NO_ERROR};
    size_t length = 0;

    if (reason) {
        answer[0] = (char)reason->code;
        length = MIN(strlen(reason->message), MAX_TEXT);
        memcpy(answer + 1, reason->message, length);
    }
    (void)send(connection, answer, length + 1, MSG_NOSIGNAL);
}
