/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A mount of an image other than the container's own. */

#pragma once

#include "launch/tree.h"

int berth_image_tree_make(const BerthTrees *trees, const BerthMount *mount, BerthFault *fault);
