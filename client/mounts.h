/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* -v, --mount and --tmpfs as the options of Containers.Create. */

#pragma once

#include "client/bus.h"

typedef struct {
    char *const *volumes; /* SOURCE:PATH[:OPTIONS] */
    char *const *own;     /* PATH[:OPTIONS]: directories of the container itself */
    char *const *tmpfs;   /* PATH[:OPTIONS] */
    const char *config;   /* a configuration, for the sources that it names; NULL: none */
} DistMounts;

/* Appends {sv} for what there is; negative errno, or with error set. */
int dist_append_mounts(sd_bus_message *call, const DistMounts *mounts, GError **error);

/* Sets error, and returns false: what to do about U, which podman has. */
bool dist_mounts_refuse_owner(GError **error);
