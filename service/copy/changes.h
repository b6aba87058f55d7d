/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The changes of a container as lines: "A" for a new path, "C" for one that its image has too, "D"
 * for a deleted path of the image.
 */

#pragma once

#include "base/error.h"

/* upper is the container's writable layer as it is on disk; image is the merged tree of its
 * image. */
bool berth_changes_write(int upper, int image, int output, GError **error);
