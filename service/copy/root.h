/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where berth-copy works: in the container's root, entered with the host's root privileges, as a
 * root user that has power over the container only. On failure each function reports it and
 * exits.
 */

#pragma once

#include "bare/setup.h"

/* Enters the namespaces of a running container. */
void berth_copy_enter_running(pid_t pid);

/* Enters the root of a stopped container, mounted only for this process. Only one writer is allowed
 * at a time: returns the descriptor that holds the lock, which the caller keeps, or -1 for a
 * reader. */
int berth_copy_enter_stopped(const BerthSetup *setup, bool writes);

/* For a copy into the directory path of the root: if its mount has only the files of a user who is
 * not root in the container (keep-id), files are created as the owner of the directory. Does
 * nothing if there is no such directory. */
void berth_copy_become_owner(const char *path);

/* Enters the root of the container's image. Returns a descriptor of the container's writable
 * layer. */
int berth_copy_enter_image(const BerthSetup *setup);
