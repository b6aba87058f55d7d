/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bind mounts of files and directories of the host, as detached trees (trees.h). */

#pragma once

#include "launch/tree.h"

/* Enters the host's mount namespace, in which the source is looked up. Returns the tree, which the
 * caller owns, or -1 with fault. */
int berth_bind_tree_make(const BerthTrees *trees, const BerthMount *mount, BerthFault *fault);
