/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The mounts that the containers of a pod share, as detached trees (trees.h). */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

/* The source is a path in the mount namespace of the pod's first process (BERTH_POD_FD). Returns -1
 * with fault. */
int berth_pod_tree_make(const BerthMount *mount, BerthFault *fault);
