/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The part of settling that both implied directories and the parents of hard links need. */

#pragma once

#include "unpack/tree-state.h"

/* Gives a directory of the layer the attributes that it has below; found tells whether it is a
 * directory there. lower is -1 for the lowest layer. */
bool berth_settle_inherit(BerthTree *tree, int lower, const char *path, bool *found,
                          GError **error);
