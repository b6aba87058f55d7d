/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs programs of the host for berth-network: CNI plugins, netavark and systemctl. */

#pragma once

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

typedef struct {
    char *const *arguments;   /* begins with the program's path; NULL-terminated */
    char *const *environment; /* added to PATH; NULL for nothing */
    const char *input;        /* written to standard input; "" for none */
    uint64_t capabilities;    /* a bit mask of those it may have; 0 for all of this process's */
} BerthProgram;

/* Runs the program until it exits. *answer is its standard output, which the caller frees; *status
 * is as from waitpid(2). A program that takes longer than a minute is killed. */
bool berth_program_run(const BerthProgram *program, int *status, char **answer, size_t *size,
                       GError **error);

/* In a new process: has it killed when parent, which forked it, ends. False if that has happened
 * already, since the signal is sent only at the end of the present parent (prctl(2)). */
bool berth_program_end_with_parent(pid_t parent);
