/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker writes to its standard error. */

#pragma once

#include "base/error.h"

/* A pipe, with ours for reading. Neither end ever blocks. theirs is above the numbers that are
 * fixed in a worker. Returns false with error set on failure. */
bool berth_worker_words_new(int *ours, int *theirs, GError **error);

/* Logs what has been written, as one entry of limited size; nothing if there is nothing, or ours is
 * -1. container is the id of the one that the worker works for; NULL if there is none. */
void berth_worker_words_log(int ours, const char *kind, const char *container);
