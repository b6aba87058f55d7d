/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a container has changed, as lines: "A" for what is new, "C" for what was in its image, "D"
 * for what of that is gone. */

#pragma once

#include "base/error.h"

/* upper: the container's writable layer, as it is on disk; image: the merged tree of its image. */
bool berth_changes_write(int upper, int image, int output, GError **error);
