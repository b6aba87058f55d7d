/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Leaves everything behind except one mounted tree. All of these are false with errno on failure.
 */

#pragma once

#include <stdbool.h>

/* Attaches a detached mount somewhere in this mount namespace, so that further file systems can be
 * mounted in it. */
bool berth_pivot_attach(int tree);

/* Makes it the root; everything that was mounted before is gone. */
bool berth_pivot_enter(int tree);

/* Where the tree is attached. Any existing directory will do; a descriptor from outside would
 * belong to a mount of another namespace, to which nothing can be attached. It is out of sight a
 * moment later. */
#define BERTH_PIVOT_PLACE "/proc"

/* Both: makes a detached mount (open_tree(2), fsmount(2)) the root of this mount namespace, which
 * must be private to this process; everything that was mounted before is gone. The working
 * directory is the new root. */
bool berth_pivot(int tree);
