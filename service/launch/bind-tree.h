/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bind mounts of files and directories of the host, as detached trees. See trees.h. */

#pragma once

#include "launch/tree.h"

/* In the host's mount namespace, which the source is found in. */
int berth_bind_tree_make(const BerthTrees *trees, const BerthMount *mount, BerthFault *fault);
