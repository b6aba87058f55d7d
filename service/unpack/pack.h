/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The reverse of unpacking: a tree in overlayfs' form (a container's changes) as the tar of a
 * layer, with whiteouts as the image specification has them (layer.md).
 */

#pragma once

#include "base/error.h"

/* root: the tree's directory, open for reading; output stays the caller's. */
bool berth_pack(int root, int output, GError **error);
