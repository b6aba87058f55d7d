/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints entries of the journal as lines, each with the container's id or the time before it. */

#pragma once

#include "client/journal.h"

typedef struct {
    const char *prefix; /* or NULL */
    bool timestamps;
    /* Of the entry being read. */
    char *message;
    size_t size;
    uint64_t time_usec;
    bool broken;
} DistLogLines;

/* Makes a reader that prints. Several threads may read at once, each with its own DistLogLines:
 * only whole lines are printed. */
DistJournalReader dist_log_lines_reader(DistLogLines *lines);
