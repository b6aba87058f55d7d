/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Applies a layer in overlayfs's form to a directory: the directory then has what overlayfs would
 * show.
 */

#pragma once

#include "base/error.h"

/* Moves the contents of upper into lower, two directories on the same mount; upper is then empty.
 */
bool berth_merge(int upper, int lower, GError **error);
