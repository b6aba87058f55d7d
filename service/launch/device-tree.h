/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* /dev of a container with its devices, as a detached tree (trees.h). */

#pragma once

#include "launch/tree.h"

int berth_device_tree_make(const BerthTrees *trees, const BerthMount *mount, BerthFault *fault);

/* A single device that Berth creates, as a mount to attach over a file: the root file system is
 * nodev, so that no file of an image is ever used as a device. Returns -1 with fault. */
int berth_device_tree_make_node(const BerthTrees *trees, const BerthDevice *device,
                                BerthFault *fault);
