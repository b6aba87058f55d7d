/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Programs of the host that berth-network runs: plugins of CNI, netavark and systemctl. */

#pragma once

#include "base/error.h"

#include <stdint.h>

typedef struct {
    char *const *arguments;   /* the path first; NULL-terminated */
    char *const *environment; /* added to PATH; NULL for none */
    const char *input;        /* standard input, "" for none */
    uint64_t capabilities;    /* the only ones that it may have, as bits; 0: all of this process */
} BerthProgram;

/* Runs it to its end. answer: its standard output, which the caller frees; status: as waitpid(2)
 * has it. A program that takes longer than a minute is killed. */
bool berth_program_run(const BerthProgram *program, int *status, char **answer, size_t *size,
                       GError **error);
