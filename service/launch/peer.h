/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The launch protocol (base/launch-protocol.h) as a launcher speaks it, and how it reports a step
 * that failed. */

#pragma once

#include "base/error.h"
#include "base/launch-protocol.h"

/* Opens standard descriptors that came in envelopes (base/envelope.h): a client's. */
void berth_peer_open_streams(void);

/* fd: -1 for none. text may be NULL. */
bool berth_peer_send(int socket, BerthLaunchMessage message, const char *text, int fd);

/* Waits for a message. Returns its letter, or 0 if the other end is closed. fd and text may be
 * NULL; text is to be freed. */
char berth_peer_receive(int socket, char **text, int *fd);

/* Reports and ends this process. Only the first that fails reports: the other then sees its peer
 * close. */
G_GNUC_NORETURN void berth_fail(const char *step, const char *object, const char *reason,
                                int status);
G_GNUC_NORETURN void berth_fail_with(const char *step, const GError *error);
G_GNUC_NORETURN void berth_fail_errno(const char *step, const char *object);

/* The socket to the other process, which receives PEER_FAILED if this one fails; set once. */
void berth_fail_set_peer(int socket);
/* Where the socket to berthd is, once it is no longer BERTH_SOCKET_FD. */
void berth_fail_set_service(int socket);
