/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The descriptors that dist was started with and passes on: its standard streams, its unit's
 * sockets and those to preserve.
 */

#pragma once

#include "client/bus.h"

/* Also passes on count descriptors, starting at 3, and those in the lists ("4,6"), under the same
 * numbers. Call this before dist opens any descriptor itself. */
bool dist_preserve_descriptors(gint64 count, char *const *lists, GError **error);

/* Appends {sv} for the standard streams, with /dev/null for each; dist_append_streams() passes
 * dist's own. */
int dist_append_null_streams(sd_bus_message *call);

/* Appends {sv} for further descriptors, if there are any: those that systemd opened for dist
 * (sd_listen_fds(3)), and those to preserve. */
int dist_append_descriptors(sd_bus_message *call);

/* The number of descriptors in a call with those and, if it has them, the three standard streams.
 */
unsigned dist_count_descriptors(bool has_streams);
