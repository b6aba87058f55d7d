/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Volumes: directories that outlive containers, stored in volumes/NAME of the state directory.
 * Files in them have the ids that a container sees.
 */

#pragma once

#include "containers/core/part.h"
#include "store/volume-store.h"

extern const BerthPart berth_volumes_part;

/* Called after a volume has been added or removed. */
typedef void (*BerthVolumeObserver)(const BerthVolume *volume, bool added, void *userdata);
void berth_volumes_observe(BerthContainers *containers, BerthVolumeObserver observer,
                           void *userdata);

/* Creates a volume; AlreadyExists if the name is taken. labels: alternating keys and values; NULL
 * for none. */
bool berth_volume_create(BerthContainers *containers, const char *name, uint32_t owner,
                         char *const *labels, GError **error);

/* The path of a volume, which is created for this user if it does not exist. Root may use all
 * volumes, other users only their own. The caller frees the path. */
char *berth_volume_open(BerthContainers *containers, const char *name, uint32_t user,
                        GError **error);

/* Removes a volume with its contents; InUse while a container uses it. */
bool berth_volume_delete(BerthContainers *containers, const char *name, uint32_t user,
                         GError **error);

/* The names of a container's volumes, which it keeps from Create to Delete, running or not. Freed
 * with g_strfreev(). */
char **berth_volumes_list_of(const BerthContainerRecord *record);

int berth_volumes_get_directory(const BerthContainers *containers);

/* An array of BerthVolume. */
GPtrArray *berth_volumes_list(BerthContainers *containers, GError **error);
/* Sets NotFound if there is none. Freed with berth_volume_free(). */
BerthVolume *berth_volume_get(BerthContainers *containers, const char *name, GError **error);
bool berth_volume_get_owner(BerthContainers *containers, const char *name, uint32_t *owner,
                            GError **error);
