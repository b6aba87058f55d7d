/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The reverse of unpacking: packs a tree in overlayfs's form (a container's changes) as the tar of
 * a layer, with whiteouts as in the image specification (layer.md).
 */

#pragma once

#include "base/error.h"

/* root: the tree's directory, open for reading. The caller keeps output. */
bool berth_pack(int root, int output, GError **error);
