/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starts containers, for run, start, restart and restore. */

#pragma once

#include "client/process-replies.h"

/* What the standard streams of a container are connected to when it is started. */
typedef enum {
    DIST_STREAMS_JOURNAL, /* or to its terminal, if it has one */
    DIST_STREAMS_OWN,     /* dist's own */
    DIST_STREAMS_NULL,
} DistStreams;

/* A call of Create that is sent before Start, without waiting for its reply. */
typedef struct {
    sd_bus_message *create;
    DistCreation state;
} DistCreateCall;

/* Waits for the container to exit and returns its exit status. creation is NULL for a container
 * that already exists; member is "Start" or "Restore". */
int dist_start_in_foreground(DistCreateCall *creation, const char *member, const char *id,
                             bool terminal, bool was_stopped, GError **error);

/* Whether SIGTERM stopped the container that ran in the foreground. */
bool dist_start_was_terminated(void);

/* Prints the id, which scripts read. */
bool dist_start_detached(const char *member, const char *id, DistStreams streams, GError **error);
