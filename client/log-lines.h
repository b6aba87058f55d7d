/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints entries of the journal as lines, with the container's id or the time before each. */

#pragma once

#include "client/journal.h"

typedef struct {
    const char *prefix; /* NULL for none */
    bool timestamps;
    /* Of the entry that is being read. */
    char *message;
    size_t size;
    uint64_t time_usec;
    bool broken;
} DistLogLines;

/* Makes a reader that prints. Several threads may read at once, each with lines of its own: what
 * they print are whole lines. */
DistJournalReader dist_log_lines_reader(DistLogLines *lines);
