/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The descriptors that dist was started with and passes on: its standard streams, and sockets of
 * its unit. */

#pragma once

#include "client/bus.h"

/* Passes on the count descriptors from 3 on, too, and those of the lists, "4,6", with their
 * numbers. To be called before dist opens any of its own. */
bool dist_preserve_descriptors(gint64 count, char *const *lists, GError **error);

/* Appends {sv} for the standard ones with /dev/null for all of them; dist_append_streams() passes
 * those that dist has. */
int dist_append_null_streams(sd_bus_message *call);

/* Appends {sv} for further ones, if there are such: those that systemd has opened for dist
 * (sd_listen_fds(3)), and those that are preserved. */
int dist_append_descriptors(sd_bus_message *call);
