/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the processes of berth-launch and berthd say to each other: messages of one letter, with
 * words or a descriptor; and how a step that fails is reported.
 *
 * To berthd, through BERTH_SOCKET_FD: 'P' with the pid in words and the pidfd of what will be the
 * command; 'T' with the master of its terminal; 'E' and why it failed, 'U' where it is unsupported;
 * 'K' when a helper is done; 'R' as 'P', of what was restored.
 * From berthd: the word, 'g'. Between the two processes, through the peer socket: see outside.c and
 * inside.c.
 */

#pragma once

#include "base/error.h"

/* As berthd hands them over, containers/spawn.c. */
enum {
    BERTH_SOCKET_FD = 3,
    BERTH_CONFIG_FD,
    BERTH_DIRECTORY_FD, /* the container's; or its first process, for berth-launch exec */
    BERTH_SNAPSHOTS_FD,
    BERTH_FIRST_FREE_FD,
};

enum { BERTH_EXIT_LAUNCH = 125, BERTH_EXIT_NOT_EXECUTABLE = 126, BERTH_EXIT_NOT_FOUND = 127 };

/* Opens standard descriptors that came in envelopes (base/envelope.h): a client's. */
void berth_peer_open_streams(void);

/* fd: -1 for none. Text may be NULL. */
bool berth_peer_send(int socket, char letter, const char *text, int fd);

/* Waits for a message; its letter, or 0 when nobody is there any more. fd and text may be NULL;
 * text is to be freed. */
char berth_peer_receive(int socket, char **text, int *fd);

/* Reports and ends this process. Only the first that fails reports: the other then sees its peer
 * close. */
G_GNUC_NORETURN void berth_fail(const char *step, const char *object, const char *reason,
                                int status);
G_GNUC_NORETURN void berth_fail_with(const char *step, const GError *error);
G_GNUC_NORETURN void berth_fail_errno(const char *step, const char *object);

/* The socket to the other process, which is told by 'f' that this one has failed; set once. */
void berth_fail_set_peer(int socket);
/* Where the socket to berthd is, once it is no longer BERTH_SOCKET_FD. */
void berth_fail_set_service(int socket);
