/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The standard descriptors of a container's first process. They lead out of it: CRIU is told their
 * names when it dumps, and which descriptors take their place when it restores (criu(8), --external
 * and --inherit-fd). The names are kept with the images. */

#pragma once

#include "base/error.h"

#include <sys/types.h>

enum { BERTH_STREAMS = 3 };

typedef struct {
    char *names[BERTH_STREAMS]; /* "" for what is within the container, or closed */
} BerthStreams;

/* As they are. mounts: numbers of the mounts of the container (gpointer keys). */
void berth_streams_find(BerthStreams *streams, pid_t pid, GHashTable *mounts);
/* CRIU looks for sockets in the container's network namespace alone: Unsupported where one is of
 * another, as the caller's are, and those to the journal after a restore. */
bool berth_streams_check(const BerthStreams *streams, pid_t pid, int pidfd, GError **error);
/* What CRIU is told of them when it dumps. */
void berth_streams_add_external(const BerthStreams *streams, GPtrArray *arguments);

bool berth_streams_write(const BerthStreams *streams, const char *images, GError **error);
bool berth_streams_read(BerthStreams *streams, const char *images, GError **error);
void berth_streams_clear(BerthStreams *streams);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthStreams, berth_streams_clear)
