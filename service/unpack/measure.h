/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many bytes a tree takes on disk. */

#pragma once

#include "base/error.h"

typedef struct {
    uint64_t bytes;
    bool is_complete; /* false: more files than are counted, or the tree changed on the way */
} BerthMeasure;

/* Measures the tree below root, a descriptor that is taken over, on its file system alone. */
bool berth_measure_tree(int root, BerthMeasure *measure, GError **error);
