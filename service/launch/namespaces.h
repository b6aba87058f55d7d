/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Namespaces that the inner process is cloned into, or joins. */

#pragma once

#include "launch/inside.h"

/* Opens those that are joined, and enters a PID namespace among them: the inner process is its
 * first child there. Fails with a report to berthd. */
void berth_namespaces_open_joined(BerthInside *inside);

/* The flags of clone(2) for those that are new. */
uint64_t berth_namespaces_get_clone_flags(const BerthSetup *setup);

/* The namespaces (CLONE_NEW…) of a process that are not this one's. */
int berth_namespaces_find(pid_t pid);

/* The pid of a pidfd, or -1. */
pid_t berth_pid_read_pidfd(int pidfd);
