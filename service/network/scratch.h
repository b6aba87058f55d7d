/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A network namespace for a moment, held by a process of its own. */

#pragma once

#include "base/error.h"

#include <sys/types.h>

typedef struct {
    pid_t pid; /* of the process that is in it; 0: there is none */
} BerthScratch;

#define BERTH_NO_SCRATCH                                                                           \
    { 0 }

/* With one interface of that name. */
bool berth_scratch_open(BerthScratch *scratch, const char *interface, GError **error);
void berth_scratch_close(BerthScratch *scratch);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthScratch, berth_scratch_close)
