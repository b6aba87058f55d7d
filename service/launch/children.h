/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Programs that a launcher runs and waits for. */

#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define BERTH_USEC_PER_SEC 1000000ull

/* Waits for a child's end; kills it after timeout_usec, and is false then. */
bool berth_child_await(pid_t child, uint64_t timeout_usec, int *status);

typedef enum {
    BERTH_CHILD_AS_THIS, /* with the rights of this process */
    BERTH_CHILD_READS,   /* with berth_outer_sandbox_only_read() */
} BerthChildRights;

/* Runs a program of Berth's own (BERTH_LIBEXECDIR), in the host's mount namespace, which this
 * process has entered. Only the standard descriptors and those below kept are open in it; output is
 * its standard one, -1 for this process's. Returns its wait status, or -1 with errno. */
int berth_child_run(char *const *arguments, BerthChildRights rights, int output, unsigned kept);
