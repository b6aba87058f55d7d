/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who answers system calls that a filter says SCMP_ACT_NOTIFY of (config-linux.md, seccomp,
 * listenerPath): a program that listens at a socket, which the filter's descriptor is sent to with
 * the container process state. */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

/* The socket, connected; in the host's mount namespace. -1 with fault. */
int berth_listener_connect(const BerthSetup *setup, BerthFault *fault);

/* filter: the filter's descriptor; pid: of the process whose filter it is; status, first: the
 * container's. */
bool berth_listener_send(int socket, const BerthSetup *setup, int filter, pid_t pid,
                         const char *status, pid_t first, BerthFault *fault);
