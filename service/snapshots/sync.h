/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Syncs committed snapshots to the disk, in a worker and after the pull has ended. Until then their
 * rows name this boot, and they are unpacked again after a crash. */

#pragma once

#include "snapshots/snapshot-store.h"

/* Begins to sync the snapshots that are not synced yet; its end is not reported to the caller. */
void berth_snapshots_sync(BerthSnapshotStore *store, sd_event *event);
