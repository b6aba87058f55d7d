/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Syncs committed snapshots to the disk, in a worker and after the pull has ended. Until then their
 * rows name the current boot, and after a crash they are unpacked again.
 */

#pragma once

#include "snapshots/snapshot-store.h"
#include "worker/worker.h"

/* Called once, with whether all snapshots that had been committed before are on disk. */
typedef void (*BerthSnapshotsSynced)(bool synced, void *userdata);

/* Begins to sync the unsynced snapshots. Takes over ingest, a berth-ingest that has nothing to do;
 * NULL: starts one if it is needed. done may be NULL, and may be called before this returns. */
void berth_snapshots_sync(BerthSnapshotStore *store, sd_event *event, BerthWorker *ingest,
                          BerthSnapshotsSynced done, void *userdata);
