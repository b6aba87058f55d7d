/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The launch protocol (bare/launch-protocol.h) as a launcher speaks it, and how it reports a step
 * that failed. */

#pragma once

#include "bare/launch-protocol.h"
#include "bare/setup.h"
#include "launch/fault.h"

/* The first thing that a launcher does: names the process, which was executed by descriptor and
 * would have that as its name, and keeps others of its user from tracing it. */
void berth_peer_begin(const char *name);
/* Opens standard descriptors that came in envelopes (bare/envelope.h): a client's. */
void berth_peer_open_streams(void);
/* Maps the set-up that berthd has handed over, or fails. */
const BerthSetup *berth_peer_map_setup(void);

/* fd: -1 for none. text may be NULL. */
bool berth_peer_send(int socket, BerthLaunchMessage message, const char *text, int fd);

/* The same with a pid as text. */
bool berth_peer_send_process(int socket, BerthLaunchMessage message, int pid, int pidfd);

/* Waits for a message. Returns its letter, or 0 if the other end is closed. fd may be NULL; it is
 * -1 if the message has none. */
char berth_peer_receive(int socket, int *fd);

/* Reports "STEP OBJECT: REASON" and ends this process. Only the first that fails reports: the other
 * one then sees its peer close. */
_Noreturn void berth_fail(const char *step, const char *object, const char *reason, int status);
_Noreturn void berth_fail_with(const char *step, const BerthFault *fault);
_Noreturn void berth_fail_errno(const char *step, const char *object);

/* The same without a report: the process that failed has sent one. */
_Noreturn void berth_fail_silently(int status);

/* The socket to the other process, which receives PEER_FAILED if this one fails; set once. */
void berth_fail_set_peer(int socket);
/* Where the socket to berthd is, once it is no longer BERTH_SOCKET_FD. */
void berth_fail_set_service(int socket);
