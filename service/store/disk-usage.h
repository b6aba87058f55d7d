/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes on disk besides content: writable layers and volumes as they were measured last, and
 * snapshots as they were unpacked. A row goes with its container or volume. */

#pragma once

#include "store/database.h"

typedef enum { BERTH_DISK_CONTAINER, BERTH_DISK_VOLUME } BerthDiskKind;

bool berth_disk_usage_set(BerthDatabase *database, BerthDiskKind kind, const char *name,
                          uint64_t bytes, GError **error);
/* False if it was never measured. */
bool berth_disk_usage_get(BerthDatabase *database, BerthDiskKind kind, const char *name,
                          uint64_t *bytes);
/* An owner's containers and volumes, and the snapshots of images of which it holds all. */
uint64_t berth_disk_usage_sum(BerthDatabase *database, uint32_t owner);
