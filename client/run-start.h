/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starting a container, for run, start, restart and restore. */

#pragma once

#include "client/process-replies.h"

/* What the standard streams of a container are connected to when it is started. */
typedef enum {
    DIST_STREAMS_JOURNAL, /* or its terminal, if it has one */
    DIST_STREAMS_OWN,     /* dist's */
    DIST_STREAMS_NULL,
} DistStreams;

/* A call to Create that is sent before Start, without waiting for its answer. */
typedef struct {
    sd_bus_message *create;
    DistCreation state;
} DistCreateCall;

/* Waits for the end of the container, and returns its exit status. creation is NULL for a container
 * that exists already; member is "Start" or "Restore". */
int dist_start_in_foreground(DistCreateCall *creation, const char *member, const char *id,
                             bool terminal, bool was_stopped, GError **error);

/* Whether SIGTERM has stopped the container that ran in the foreground. */
bool dist_start_was_terminated(void);

/* Prints the ID, which scripts read. */
bool dist_start_detached(const char *member, const char *id, DistStreams streams, GError **error);
