/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Applying a layer in overlayfs' form to a directory: what overlayfs would show is made to be. */

#pragma once

#include "base/error.h"

/* Moves what is in upper into lower, both directories of one mount; upper is emptied. */
bool berth_merge(int upper, int lower, GError **error);
