/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A network namespace for a moment, held by a process of its own. */

#pragma once

#include "base/error.h"

#include <sys/types.h>

typedef struct {
    pid_t pid; /* of the process that is in it; 0: there is none */
} BerthScratchNamespace;

#define BERTH_NO_SCRATCH_NAMESPACE                                                                 \
    { 0 }

/* With one interface of that name; NULL for none. */
bool berth_scratch_namespace_open(BerthScratchNamespace *scratch, const char *interface,
                                  GError **error);
void berth_scratch_namespace_close(BerthScratchNamespace *scratch);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthScratchNamespace, berth_scratch_namespace_close)
