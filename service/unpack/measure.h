/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Measures how many bytes a tree occupies on disk. */

#pragma once

#include "base/error.h"

typedef struct {
    uint64_t bytes;
    /* false: there were too many files to count, or the tree changed during the walk */
    bool is_complete;
} BerthMeasure;

/* Measures the tree below root, a descriptor that it takes ownership of, without other file
 * systems. */
bool berth_measure_tree(int root, BerthMeasure *measure, GError **error);
