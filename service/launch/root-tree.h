/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The root file system of a container, as a detached tree (trees.h). */

#pragma once

#include "launch/tree.h"

/* Must be called before the mount namespace changes, because layers and the writable directory are
 * mounts of the present one. Returns -1 with fault. */
int berth_root_tree_make(const BerthTrees *trees, int directory, int snapshots, BerthFault *fault);
