/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Volumes: directories that outlive containers, volumes/NAME of the state directory. Files in them
 * have the ids that a container sees. */

#pragma once

#include "containers/containers.h"

typedef struct {
    char *name;
    uint32_t owner;
    uint64_t created_usec;
} BerthVolume;

/* Makes it; AlreadyExists. */
bool berth_volume_create(BerthContainers *containers, const char *name, uint32_t owner,
                         GError **error);

/* The path of a volume for this user, who makes it by that if it is not there. Root may use all, a
 * user only his own. Caller frees. */
char *berth_volume_open(BerthContainers *containers, const char *name, uint32_t user,
                        GError **error);

/* Removes it with what is in it; InUse while a container has it. */
bool berth_volume_delete(BerthContainers *containers, const char *name, uint32_t user,
                         GError **error);

/* Of BerthVolume. */
GPtrArray *berth_volumes_list(BerthContainers *containers, GError **error);
bool berth_volume_get_owner(BerthContainers *containers, const char *name, uint32_t *owner,
                            GError **error);

/* Removes what a crash left: directories that have no row. */
bool berth_volumes_recover(BerthContainers *containers, GError **error);
