/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who answers system calls that a filter says SCMP_ACT_NOTIFY of (config-linux.md, seccomp,
 * listenerPath): a program that listens at a socket, which the filter's descriptor is sent to with
 * the container process state. */

#pragma once

#include "plan/plan.h"

/* The socket, connected; in the host's mount namespace. -1 with error. */
int berth_listener_connect(const BerthPlan *plan, GError **error);

/* pid: of the process whose filter it is; state: the container's, taken over. */
bool berth_listener_send(int socket, const BerthPlan *plan, JsonNode *state, pid_t pid, int filter,
                         GError **error);
