/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes room for a container in the cgroup of dist's own unit (--cgroup=caller). */

#pragma once

/* Moves dist into a leaf of its own below the unit's delegated cgroup, unless it is in one. */
void dist_leaf_enter(void);
