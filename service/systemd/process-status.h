/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the kernel tells about a process, proc_pid_stat(5) and proc_pid_status(5). */

#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct {
    uint32_t parent;    /* its pid on the host */
    uint32_t inner_pid; /* in the first PID namespace below the host's, or on the host */
    uint32_t inner_uid; /* the effective user in its user namespace; UINT32_MAX: none */
    char state[2];      /* "R", "S", "D" … */
    int32_t nice;
    uint32_t terminal; /* the number of its pseudoterminal; UINT32_MAX: none */
    uint64_t started_usec, cpu_usec;
    uint64_t virtual_bytes, resident_bytes;
    char *name; /* valid UTF-8 without control characters */
} BerthProcessStatus;

/* False if the process has ended. */
bool berth_process_status_read(pid_t pid, BerthProcessStatus *status);
void berth_process_status_clear(BerthProcessStatus *status);
