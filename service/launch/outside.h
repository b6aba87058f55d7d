/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The outer process of a launch: it keeps the host's rights, and ends when the command runs. */

#pragma once

#include "launch/inside.h"

/* Makes a container of the set-up and its first process. */
_Noreturn void berth_outside_create(BerthInside *inside);

/* The namespaces (CLONE_NEW…) of a process that are not this one's; the pid of a pidfd, or -1. */
int berth_outside_find_namespaces(pid_t pid);
pid_t berth_outside_read_pid(int pidfd);

/* Another process in the container whose first process is init, a pidfd. */
_Noreturn void berth_outside_exec(BerthInside *inside, int init);
