/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Files that were deleted while they were open. CRIU recreates them under special names, which it
 * removes at the end of a restore. An interrupted restore leaves them in the container's writable
 * layer, where they would make the next restore fail.
 */

#pragma once

#include "base/error.h"

/* Called before CRIU starts: removes those of a restore that was interrupted. directory is the
 * container's. */
bool berth_ghosts_begin(int directory, GError **error);
/* Called when a restore has completed. */
void berth_ghosts_end(int directory);
