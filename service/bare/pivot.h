/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Leaving everything behind but one mounted tree. All of these are false with errno if they fail.
 */

#pragma once

#include <stdbool.h>

/* Attaches a detached mount somewhere in this mount namespace, where things can be mounted in it.
 */
bool berth_pivot_attach(int tree);

/* Makes it the root; what was mounted before is gone. */
bool berth_pivot_enter(int tree);

/* Where it is attached. Any directory that is there: descriptors from outside belong to mounts of
 * another namespace, and nothing can be attached to those. It is out of sight a moment later. */
#define BERTH_PIVOT_PLACE "/proc"

/* Both: makes a detached mount (open_tree(2), fsmount(2)) the root of this mount namespace, which
 * must be one of its own, private to it; what was mounted before is gone. The working directory is
 * the new root. */
bool berth_pivot(int tree);
