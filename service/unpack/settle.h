/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Settling a layer on those below it, once they are all there. Overlayfs merges by path only, so
 * three things that a tar leaves to the layers below must be made explicit in this one: attributes
 * of directories it only implies, paths through directories that are symbolic links below, and hard
 * links to files of lower layers. Whiteouts of nothing go away.
 */

#pragma once

#include "unpack/tree.h"

/* lower: the merged tree below, or -1 for the lowest layer. */
bool berth_settle(BerthTree *tree, int lower, GError **error);
