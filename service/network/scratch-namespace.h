/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A temporary network namespace, held open by a separate process. */

#pragma once

#include "base/error.h"

#include <sys/types.h>

typedef struct {
    pid_t pid; /* of the process in the namespace; 0 if there is none */
} BerthScratchNamespace;

#define BERTH_NO_SCRATCH_NAMESPACE                                                                 \
    { 0 }

/* Creates the namespace, with one interface of that name unless it is NULL. */
bool berth_scratch_namespace_open(BerthScratchNamespace *scratch, const char *interface,
                                  GError **error);
void berth_scratch_namespace_close(BerthScratchNamespace *scratch);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthScratchNamespace, berth_scratch_namespace_close)
