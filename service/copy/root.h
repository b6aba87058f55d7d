/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where berth-copy works: the container's root, entered from the host's as a root that is the
 * container's only. Each ends the process, with a report, when it fails. */

#pragma once

#include "bare/setup.h"

/* The namespaces of a running container. */
void berth_copy_enter_running(pid_t pid);

/* The root of one that does not run, mounted for this process alone. There is one writer at a time:
 * answers the descriptor that holds the lock, which the caller keeps, or -1 for a reader. */
int berth_copy_enter_stopped(const BerthSetup *setup, bool writes);

/* The image of a container as the root; a descriptor of what the container has written over it. */
int berth_copy_enter_image(const BerthSetup *setup);
