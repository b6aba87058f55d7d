/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A request of create, run, restore or exec: a container's process, and how it is waited for. */

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
    RuntimeRecord *record; /* owned by the caller, like everything below */
    RuntimeBundle *bundle; /* NULL for exec and restore */

    /* For exec: its id, and what differs from the container's own process. */
    const char *process; /* "" for the container's first process */
    char **command, **environment, **capabilities;
    const char *working_directory, *user, *spec;
    bool no_new_privileges;

    bool terminal, detach, keep;
    const char *console_socket, *pid_file;
    uint64_t preserved; /* bit N: descriptor 3 + N is passed on */
} RuntimeJob;

/* The exit status if the runtime itself fails: 1, or 255 for exec, as in runc. */
int runtime_job_failure(const RuntimeJob *job);

/* Appends {sv} for the standard descriptors, unless the job has a terminal, and for the preserved
 * ones. */
int runtime_job_append_descriptors(sd_bus_message *call, const RuntimeJob *job);

/* Whether the job creates a container, instead of starting a process in an existing one. */
bool runtime_job_makes(const RuntimeJob *job);

/* Checks that a console socket was given if, and only if, there is a terminal to send. */
bool runtime_job_check_console(const RuntimeJob *job, GError **error);

/* The calls that create the container and start the process. pid is the process's. */
bool runtime_job_create(sd_bus *bus, const RuntimeJob *job, GError **error);
bool runtime_job_start(sd_bus *bus, const RuntimeJob *job, pid_t *pid, GError **error);

/* Opens the terminal of the process. -1 with error. */
int runtime_job_open_terminal(sd_bus *bus, const RuntimeJob *job, GError **error);
