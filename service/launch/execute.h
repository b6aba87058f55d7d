/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The last steps of a container's process, the first one and later ones alike: it is in its
 * namespaces and its root, waits for berthd's word, and becomes the command. */

#pragma once

#include "launch/filter.h"
#include "launch/identity.h"

typedef struct {
    const BerthPlan *plan;
    const char *id;
    int peer; /* to the process outside */
    bool is_first;
    bool output_to_journal, error_to_journal;
    int output, error;         /* streams to the journal; -1 for the descriptors that are there */
    unsigned descriptor_count; /* of further ones that the command has, from 3 on */
    const char *descriptor_names;
    BerthProgram *filter; /* NULL for none */
    BerthIdentity identity;
    char **environment;
} BerthExecution;

/* The filter of the plan, compiled; NULL for a container without one. */
BerthProgram *berth_execution_build_filter(const BerthPlan *plan);

/* Images and configurations name working directories that nothing makes: in the root that was
 * entered, while it may still be written to. */
void berth_execution_make_directory(const BerthPlan *plan);

/* What can be done before the word, in the root that was entered: find user and environment, make
 * the streams. */
void berth_execution_prepare(BerthExecution *execution);

/* Until berthd says that this process is in its scope; its silence means that it is gone. */
void berth_execution_wait_for_word(void);

G_GNUC_NORETURN void berth_execution_run(BerthExecution *execution);
