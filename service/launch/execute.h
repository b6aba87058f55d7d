/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The last steps of a container's process, whether the first one or a later one. The process is in
 * its namespaces and its root, waits for berthd's go-ahead, and becomes the command.
 */

#pragma once

#include "launch/identity.h"

typedef struct {
    const BerthSetup *setup;
    const BerthFilterProgram *filter;
    int peer; /* the socket to the outer process */
    bool is_first;
    bool output_to_journal, error_to_journal;
    int output, error;         /* streams to the journal; -1 to use the existing descriptors */
    unsigned descriptor_count; /* of additional descriptors for the command, numbered from 3 */
    const char *descriptor_names;
    BerthIdentity identity;
    char **environment;
} BerthExecution;

/* Creates the working directory, which images and configurations often name without providing it.
 * Called in the new root while it is still writable, and before a limit of descriptors is set. */
void berth_execution_make_directory(const BerthSetup *setup);

/* Does everything possible before the go-ahead, in the new root: determines user and environment,
 * and creates the streams. */
void berth_execution_prepare(BerthExecution *execution);

/* Waits until berthd confirms that this process is in its scope. If the socket to berthd closes,
 * this process notes that it never became the command, and exits. */
void berth_execution_wait_for_go_ahead(const BerthExecution *execution);

_Noreturn void berth_execution_run(BerthExecution *execution);
