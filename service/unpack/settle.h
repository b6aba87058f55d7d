/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Settles a layer on the layers below, once all of them are available. Overlayfs merges by path
 * only, so whatever a tar leaves to the layers below is made explicit in this one: attributes of
 * directories that it only implies, and hard links to files below. Whiteouts that hide nothing are
 * removed.
 */

#pragma once

#include "unpack/tree.h"

/* lower: the merged tree below, or -1 for the lowest layer. is_inexact: nothing was done, because a
 * name that was assumed to be a directory is a symbolic link below; the layer has to be unpacked
 * again, with the lower tree known. */
bool berth_settle(BerthTree *tree, int lower, bool *is_inexact, GError **error);
