/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Syncs committed snapshots to the disk, in a worker and in its own time: until that is done they
 * are known to be of this boot, and unpacked again after a crash. */

#pragma once

#include "snapshots/snapshot-store.h"

/* Begins to sync what is not synced yet; nobody is told of the end. */
void berth_snapshots_sync(BerthSnapshotStore *store, sd_event *event);
