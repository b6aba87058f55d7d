/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* -v, --mount and --tmpfs as options of Containers.Create. */

#pragma once

#include "client/bus.h"

/* A mount of an image or an artifact. The strings are the owner's of the list. */
typedef struct {
    char *source, *destination, *options;
} DistImageMount;

typedef struct {
    char *const *volumes;    /* SOURCE:PATH[:OPTIONS] */
    char *const *own;        /* PATH[:OPTIONS]: directories of the container itself */
    char *const *tmpfs;      /* PATH[:OPTIONS] */
    const GPtrArray *images; /* of DistImageMount; or NULL */
    const char *config;      /* a configuration whose sources are passed as well; or NULL */
} DistMounts;

/* Whether a source is a path. Names of volumes have no slash; "." and ".." are directories despite
 * having none. */
bool dist_mount_is_path(const char *source);

/* Appends {sv} for each kind that is present, and adds the number of descriptors to *descriptors.
 * Negative errno, possibly with error set. */
int dist_append_mounts(sd_bus_message *call, const DistMounts *mounts, unsigned *descriptors,
                       GError **error);

/* Sets error, which says what to use instead of podman's U, and returns false. */
bool dist_mounts_refuse_owner(GError **error);
