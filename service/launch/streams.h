/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The standard descriptors that a container was started with. They lead out of it: CRIU is told
 * their names when it dumps, and which descriptors take their place when it restores (criu(8),
 * --external and --inherit-fd). They are named at the start, since the container may have moved
 * them when it is dumped, as a shell does for a redirection; the names are in a file of the
 * container's directory, and with the images of a checkpoint.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>

enum { BERTH_STREAMS = 3 };

/* Of a socket of another network namespace than the container's, where CRIU does not look. */
#define BERTH_STREAM_FOREIGN "foreign "

typedef struct {
    char *names[BERTH_STREAMS]; /* "pipe:[1]", "socket:[2]", "tty[8800:3]", "file[9b:2]" */
} BerthStreams;

/* Of these descriptors of this process; pid: a process of the container. */
void berth_streams_name(BerthStreams *streams, const int fds[BERTH_STREAMS], pid_t pid);

bool berth_streams_write(const BerthStreams *streams, int directory, GError **error);
bool berth_streams_read(BerthStreams *streams, int directory, GError **error);
void berth_streams_clear(BerthStreams *streams);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthStreams, berth_streams_clear)
