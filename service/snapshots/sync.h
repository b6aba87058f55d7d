/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Syncs committed snapshots to the disk, in a worker and after the pull has ended. Until then their
 * rows name the current boot, and after a crash they are unpacked again.
 */

#pragma once

#include "snapshots/snapshot-store.h"
#include "worker/worker.h"

/* Begins to sync the unsynced snapshots; the caller is not told when that ends. Takes over ingest,
 * a berth-ingest that has nothing to do; NULL: starts one if it is needed. */
void berth_snapshots_sync(BerthSnapshotStore *store, sd_event *event, BerthWorker *ingest);
