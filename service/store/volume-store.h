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
/* Alternating keys and values; the caller frees them. */
char **berth_volume_store_get_labels(BerthDatabase *database, const char *name);
/* labels: as above; NULL for none. */
bool berth_volume_store_add(BerthDatabase *database, const char *name, uint32_t owner,
                            char *const *labels, GError **error);
/* Removes the record and its labels; succeeds if there is none. */
bool berth_volume_store_remove(BerthDatabase *database, const char *name, GError **error);
