/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The standard descriptors that a container was started with. They lead out of it: CRIU is told
 * their names when it dumps, and which descriptors take their place when it restores (criu(8),
 * --external and --inherit-fd). They are named at the start, since the container may have moved
 * them when it is dumped, as a shell does for a redirection; the names are in a file of the
 * container's directory, and with the images of a checkpoint.
 */

#pragma once

#include "launch/fault.h"

#include <sys/types.h>

enum { BERTH_STREAMS = 3, BERTH_STREAM_NAME_BYTES = 128 };

/* Of a socket of another network namespace than the container's, where CRIU does not look. */
#define BERTH_STREAM_FOREIGN "foreign "

typedef struct {
    /* "pipe:[1]", "socket:[2]", "tty[8800:3]", "file[9b:2]" */
    char names[BERTH_STREAMS][BERTH_STREAM_NAME_BYTES];
} BerthStreams;

/* Of these descriptors of this process; pid: a process of the container. */
void berth_streams_name(BerthStreams *streams, const int fds[BERTH_STREAMS], pid_t pid);

bool berth_streams_write(const BerthStreams *streams, int directory, BerthFault *fault);
bool berth_streams_read(BerthStreams *streams, int directory, BerthFault *fault);
