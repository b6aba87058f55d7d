/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Disk usage in bytes besides content: writable layers and volumes as last measured, and snapshots
 * as unpacked. A row is deleted together with its container or volume.
 */

#pragma once

#include "store/database.h"

typedef enum { BERTH_DISK_CONTAINER, BERTH_DISK_VOLUME } BerthDiskKind;

bool berth_disk_usage_set(BerthDatabase *database, BerthDiskKind kind, const char *name,
                          uint64_t bytes, GError **error);
/* Returns false if it was never measured. */
bool berth_disk_usage_get(BerthDatabase *database, BerthDiskKind kind, const char *name,
                          uint64_t *bytes);
/* Returns the sum of an owner's containers and volumes, and of the snapshots of images that the
 * owner holds completely. */
uint64_t berth_disk_usage_sum(BerthDatabase *database, uint32_t owner);
