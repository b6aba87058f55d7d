/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The part of settling that turns placeholders into hard links. */

#pragma once

#include "unpack/tree.h"

bool berth_settle_links(BerthTree *tree, int lower, GError **error);

/* Gives a directory of the layer what it has below; found tells whether it is one there. */
bool berth_settle_inherit(BerthTree *tree, int lower, const char *path, bool *found,
                          GError **error);
