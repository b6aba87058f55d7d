/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* A mount in the configuration (config.md, Mounts). A member that is not there is "". */
typedef struct {
    char *destination, *type, *source;
    char **options;
} BerthMountInfo;

/* What a container's configuration says about its first process and its mounts. */
typedef struct {
    char **command, **environment;
    GPtrArray *mounts; /* of BerthMountInfo */
} BerthConfiguration;

/* In the record's extra: the command, if it is short. */
#define BERTH_CONFIGURATION_COMMAND "Command"

/* Caches the configuration of each container once it has been read. */
extern const BerthPart berth_configuration_part;

/* The configuration, which the container owns; empty if the file cannot be read. Lists too long for
 * a reply are truncated. */
const BerthConfiguration *berth_container_get_configuration(const BerthContainer *container);
/* Just the command, usually without reading the file. The caller frees it. */
char **berth_container_get_command(const BerthContainer *container);
