/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Settling a layer on those below it, once they are all there. Overlayfs merges by path only, so
 * what a tar leaves to the layers below is made explicit in this one: attributes of directories
 * that it only implies, and hard links to files below. Whiteouts of nothing go away.
 */

#pragma once

#include "unpack/tree.h"

/* lower: the merged tree below, or -1 for the lowest layer. is_inexact: nothing was done, because
 * the tree took a name for a directory that is a symbolic link below; the layer has to be unpacked
 * again, with the lower tree known. */
bool berth_settle(BerthTree *tree, int lower, bool *is_inexact, GError **error);
