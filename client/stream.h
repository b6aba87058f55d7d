/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Copying between descriptors. */

#pragma once

#include "base/error.h"

/* Copies until the end of from, but at most limit bytes. */
bool dist_copy(int from, int to, uint64_t limit, uint64_t *copied, GError **error);
