/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The records of volumes. */

#pragma once

#include "store/database.h"

typedef struct {
    char *name;
    uint32_t owner;
    uint64_t created_usec;
} BerthVolume;
void berth_volume_free(gpointer volume);

/* Returns BerthVolumes, sorted by name. */
GPtrArray *berth_volume_store_list(BerthDatabase *database, GError **error);
/* Fails with NotFound if there is none of this name. */
BerthVolume *berth_volume_store_get(BerthDatabase *database, const char *name, GError **error);
bool berth_volume_store_add(BerthDatabase *database, const char *name, uint32_t owner,
                            GError **error);
/* Removes the record; succeeds if there is none. */
bool berth_volume_store_remove(BerthDatabase *database, const char *name, GError **error);
