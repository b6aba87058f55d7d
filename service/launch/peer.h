/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The launcher's side of the launch protocol (bare/launch-protocol.h), including reports of failed
 * steps.
 */

#pragma once

#include "bare/launch-protocol.h"
#include "bare/setup.h"
#include "launch/fault.h"

/* Must be the first call of a launcher. Sets the process's name, which would otherwise be that of
 * the descriptor it was executed from, and prevents other processes of the same user from tracing
 * it. */
void berth_peer_begin(const char *name);
/* Opens the standard descriptors that a client has passed in envelopes (bare/envelope.h). */
void berth_peer_open_streams(void);
/* Maps the set-up that berthd has passed. Exits with a report on failure. */
const BerthSetup *berth_peer_map_setup(void);

/* Whether the peer has closed the socket. */
bool berth_peer_has_left(int socket);

/* fd is -1 for none. text may be NULL. */
bool berth_peer_send(int socket, BerthLaunchMessage message, const char *text, int fd);

/* The same, with a pid as the text. */
bool berth_peer_send_process(int socket, BerthLaunchMessage message, int pid, int pidfd);

/* Waits for a message. Returns its letter, or 0 if the peer has closed the socket. fd may be NULL;
 * *fd is -1 if the message has no descriptor. */
char berth_peer_receive(int socket, int *fd);

/* Reports "STEP OBJECT: REASON" and exits. Only the process that fails first reports; the other one
 * learns of it from its peer. */
_Noreturn void berth_fail(const char *step, const char *object, const char *reason, int status);
_Noreturn void berth_fail_with(const char *step, const BerthFault *fault);
_Noreturn void berth_fail_errno(const char *step, const char *object);

/* Exits without a report, because the process that failed has already sent one. */
_Noreturn void berth_fail_silently(int status);

/* Sets the socket to the other process, which receives PEER_FAILED if this process fails. Called
 * once. */
void berth_fail_set_peer(int socket);
/* Sets the socket to berthd once it is no longer BERTH_SOCKET_FD. */
void berth_fail_set_service(int socket);
