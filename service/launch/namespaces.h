/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Namespaces that the inner process is cloned into, or joins. */

#pragma once

#include "launch/inside.h"

/* Opens the namespaces to be joined. A PID namespace among them is entered here, so that the inner
 * process becomes this process's first child in it. On failure, reports to berthd and exits. */
void berth_namespaces_open_joined(BerthInside *inside);

/* The flags of clone(2) for the new namespaces. */
uint64_t berth_namespaces_get_clone_flags(const BerthSetup *setup);

/* The namespaces (CLONE_NEW…) of a process that differ from this process's own. */
int berth_namespaces_find(pid_t pid);

/* The pid that a pidfd refers to, or -1. */
pid_t berth_pid_read_pidfd(int pidfd);
