/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The listener for system calls for which a filter has SCMP_ACT_NOTIFY (config-linux.md, seccomp,
 * listenerPath): a program that listens on a socket and receives the filter's descriptor together
 * with the container process state.
 */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

/* Connects to the socket, in the host's mount namespace. Returns the connection, which the caller
 * owns, or -1 with fault. */
int berth_listener_connect(const BerthSetup *setup, BerthFault *fault);

/* Sends the descriptor filter. pid is the process with the filter; status and first (its first
 * process) describe the container. */
bool berth_listener_send(int socket, const BerthSetup *setup, int filter, pid_t pid,
                         const char *status, pid_t first, BerthFault *fault);
