/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files that were deleted while they were open: CRIU makes them again under a name of its own,
 * which it removes at the end of a restore. One that was broken off leaves them in the container's
 * writable layer, where the next would stumble over them. */

#pragma once

#include "base/error.h"

/* Before CRIU begins: removes those of a restore that did not get to its end. directory: the
 * container's. */
bool berth_ghosts_begin(int directory, GError **error);
/* It has. */
void berth_ghosts_end(int directory);
