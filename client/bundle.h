/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* OCI bundles (runtime specification, bundle.md) as options of Containers.Create. */

#pragma once

#include "client/bus.h"

/* Appends {sv} for the configuration and the root directory of a bundle. */
int dist_append_bundle(sd_bus_message *call, const char *directory, GError **error);

/* Appends {sv} for a root directory (--rootfs). */
int dist_append_root(sd_bus_message *call, const char *directory, GError **error);

/* Reads a process for Exec: returns its text, which the caller frees, and whether it wants a
 * terminal. */
char *dist_read_process(const char *file, gboolean *terminal, GError **error);

/* Appends (hsas), for Binds, for each bind mount of a configuration whose source is one of the
 * user's own files. Returns the number of descriptors, or a negative errno, possibly with error
 * set. */
int dist_append_sources(sd_bus_message *call, const char *file, GError **error);

/* Appends {sv} for a configuration alone, to run on an image. */
int dist_append_spec(sd_bus_message *call, const char *file, GError **error);
