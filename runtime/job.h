/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The request of create, run or exec: a process of a container, with the process that waits
 * for it. */

#pragma once

#include "bundle.h"
#include "call.h"
#include "inherited.h"

typedef enum {
    RUNTIME_JOB_CREATE,
    RUNTIME_JOB_RUN,
    RUNTIME_JOB_RESTORE,
    RUNTIME_JOB_EXEC
} RuntimeJobKind;

typedef struct {
    RuntimeJobKind kind;
    RuntimeRecord *record; /* the caller's, as all that follows */
    RuntimeBundle *bundle; /* NULL for exec and restore */

    /* For exec: its id, and what differs from the container's own process. */
    const char *process; /* "" for the container's first */
    char **command, **environment, **capabilities;
    const char *working_directory, *user, *spec;
    bool no_new_privileges;

    bool terminal, detach, keep;
    const char *console_socket, *pid_file;
    uint64_t preserved; /* bit N: descriptor 3 + N is passed on */
} RuntimeJob;

/* The exit status of a runtime that fails itself: 1, and 255 for exec, as runc's. */
int runtime_job_failure(const RuntimeJob *job);

/* Appends {sv} for the standard descriptors, unless the job has a terminal, and for further ones.
 */
int runtime_job_append_descriptors(sd_bus_message *call, const RuntimeJob *job);

/* Whether the job makes a container, and does not begin a process in one that exists. */
bool runtime_job_makes(const RuntimeJob *job);

/* Whether a console socket is given if there is a terminal to hand out, and only then. */
bool runtime_job_check_console(const RuntimeJob *job, GError **error);

/* Calls that make the container and begin the process. pid is of the process. */
bool runtime_job_create(sd_bus *bus, const RuntimeJob *job, GError **error);
bool runtime_job_start(sd_bus *bus, const RuntimeJob *job, pid_t *pid, GError **error);

/* Opens the terminal of the process. -1 with error. */
int runtime_job_open_terminal(sd_bus *bus, const RuntimeJob *job, GError **error);
