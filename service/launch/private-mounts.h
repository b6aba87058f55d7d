/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A mount namespace of this process alone, entered for a moment: before Linux 6.15 some calls take
 * only mounts of the caller's namespace, so detached trees are attached in this one. Clones made of
 * them stay when it is gone.
 */

#pragma once

#include <stdbool.h>

/* Returns a descriptor of the namespace before, for berth_private_mounts_leave(), or -1 and sets
 * errno. Nothing that is mounted inside propagates to another namespace. */
int berth_private_mounts_enter(void);
/* Returns to that namespace and closes the descriptor; -1 is ignored. Returns false and sets errno
 * if this process is still in the private one. */
bool berth_private_mounts_leave(int before);
