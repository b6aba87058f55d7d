/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* A mount of the configuration (config.md, Mounts). A member that it does not have is "". */
typedef struct {
    char *destination, *type, *source;
    char **options;
} BerthMountInfo;

/* What a container's configuration says of its first process and its mounts. */
typedef struct {
    char **command, **environment;
    GPtrArray *mounts; /* of BerthMountInfo */
} BerthConfiguration;

/* In the record's extra: the command, if it is short. */
#define BERTH_CONFIGURATION_COMMAND "Command"

/* Keeps the configuration of each container once it has been read. */
extern const BerthPart berth_configuration_part;

/* The container's own; empty if the file cannot be read. Lists that are longer than a reply holds
 * are cut. */
const BerthConfiguration *berth_container_get_configuration(const BerthContainer *container);
/* The command alone, mostly without the file. Caller frees. */
char **berth_container_get_command(const BerthContainer *container);
