/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The standard descriptors that a container was started with. They lead out of the container, so
 * CRIU must be told their names when it dumps, and which descriptors replace them when it restores
 * (criu(8), --external and --inherit-fd). The names are recorded at the start, since the container
 * may have moved the descriptors by the time of the dump, as a shell does for a redirection. They
 * are stored in a file in the container's directory, and together with the images of a
 * checkpoint.
 */

#pragma once

#include "launch/fault.h"

#include <sys/types.h>

enum { BERTH_STREAMS = 3, BERTH_STREAM_NAME_BYTES = 128 };

/* Marks a socket of another network namespace than the container's, in which CRIU does not look for
 * it. */
#define BERTH_STREAM_FOREIGN "foreign "

typedef struct {
    /* "pipe:[1]", "socket:[2]", "tty[8800:3]", "file[9b:2]" */
    char names[BERTH_STREAMS][BERTH_STREAM_NAME_BYTES];
} BerthStreams;

/* Determines the names of descriptors of this process. pid is a process of the container. */
void berth_streams_name(BerthStreams *streams, const int fds[BERTH_STREAMS], pid_t pid);

bool berth_streams_write(const BerthStreams *streams, int directory, BerthFault *fault);
bool berth_streams_read(BerthStreams *streams, int directory, BerthFault *fault);
