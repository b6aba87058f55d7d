/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Syncs committed snapshots to the disk, in a worker and after the pull has ended. Until then their
 * rows name this boot, and they are unpacked again after a crash. */

#pragma once

#include "snapshots/snapshot-store.h"

/* Begins to sync what is not synced yet; nobody is told of the end. */
void berth_snapshots_sync(BerthSnapshotStore *store, sd_event *event);
