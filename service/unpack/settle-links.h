/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The part of settling that turns placeholders into hard links. */

#pragma once

#include "unpack/tree-state.h"

/* Replaces all placeholders of the tree. lower is -1 for the lowest layer. False with error. */
bool berth_settle_links(BerthTree *tree, int lower, GError **error);
