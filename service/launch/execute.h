/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The last steps of a container's process, the first one and later ones alike: it is in its
 * namespaces and its root, waits for berthd's go-ahead, and becomes the command. */

#pragma once

#include "launch/identity.h"

typedef struct {
    const BerthSetup *setup;
    const BerthFilterProgram *filter;
    int peer; /* to the process outside */
    bool is_first;
    bool output_to_journal, error_to_journal;
    int output, error;         /* streams to the journal; -1 for the descriptors that are there */
    unsigned descriptor_count; /* of further ones that the command has, from 3 on */
    const char *descriptor_names;
    BerthIdentity identity;
    char **environment;
} BerthExecution;

/* Images and configurations name working directories that nothing makes: in the root that was
 * entered, while it may still be written to. */
void berth_execution_make_directory(const BerthSetup *setup);

/* What can be done before the go-ahead, in the root that was entered: find user and environment,
 * make the streams. */
void berth_execution_prepare(BerthExecution *execution);

/* Until berthd says that this process is in its scope; if its socket closes, this process ends. */
void berth_execution_wait_for_go_ahead(void);

_Noreturn void berth_execution_run(BerthExecution *execution);
