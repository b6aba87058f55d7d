/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* /dev of a container, with its devices, as a detached tree. See trees.h. */

#pragma once

#include "launch/tree.h"

int berth_device_tree_make(const BerthTrees *trees, const BerthMount *mount, BerthFault *fault);

/* A single device of Berth's own making, to be bound: what the root shows is nodev, and no file of
 * an image is ever taken for a device. */
int berth_device_tree_make_node(const BerthTrees *trees, const BerthDevice *device,
                                BerthFault *fault);
