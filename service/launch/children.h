/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs programs for a launcher and waits for them. */

#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define BERTH_USEC_PER_SEC 1000000ull

/* Waits until a child has ended. After timeout_usec, kills it and returns false. */
bool berth_child_await(pid_t child, uint64_t timeout_usec, int *status);

typedef enum {
    BERTH_CHILD_AS_THIS, /* with the privileges of this process */
    BERTH_CHILD_READS,   /* with berth_outer_sandbox_only_read() */
} BerthChildRights;

/* Runs one of Berth's own programs (BERTH_LIBEXECDIR) in the host's mount namespace, which this
 * process must have entered. The program has only the standard descriptors and those below kept.
 * output becomes its standard output; -1 for this process's. Returns the wait status, or -1 with
 * errno. */
int berth_child_run(char *const *arguments, BerthChildRights rights, int output, unsigned kept);
