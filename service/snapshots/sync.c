/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One syncfs(2) of the snapshots' file system by a berth-ingest. The object lives from the start of
 * the worker until its reply; its operation owns it and keeps the service running.
 */

#include "snapshots/sync.h"

#include "base/log.h"
#include "base/operation.h"
#include "worker/calls.h"

typedef struct {
    BerthOperation *operation;
    BerthSnapshotStore *store;
    BerthWorker *worker;
    int64_t newest_usec; /* when the newest snapshot that this will sync was added */
} SnapshotSync;

static void snapshot_sync_free(void *object) {
    SnapshotSync *sync = object;

    berth_worker_free(sync->worker);
    g_free(sync);
}

static void snapshot_sync_on_synced(sd_bus_message *reply, const GError *error, void *userdata) {
    SnapshotSync *sync = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    (void)reply;
    if (local || !berth_snapshot_store_set_synced(sync->store, sync->newest_usec, &local))
        berth_log_warning(NULL, NULL, "Cannot sync snapshots: %s", local->message);
    berth_operation_end(sync->operation, local);
}

/* newest_usec is read before the worker begins, so that a snapshot that is committed during the
 * syncfs(2) stays unsynced. If no worker can be started, syncing is left to the next pull. */
void berth_snapshots_sync(BerthSnapshotStore *store, sd_event *event, BerthWorker *ingest) {
    static const BerthOperationType type = {.free = snapshot_sync_free};
    g_autoptr(BerthWorker) worker = ingest;
    int64_t newest_usec;

    if (!berth_snapshot_store_has_unsynced(store, &newest_usec))
        return;
    if (!worker && !(worker = berth_worker_new(event, "ingest", -1, NULL)))
        return;
    SnapshotSync *sync = g_new0(SnapshotSync, 1);
    *sync = (SnapshotSync){NULL, store, g_steal_pointer(&worker), newest_usec};
    sync->operation = berth_operation_new(event, &type, sync);
    berth_call_ingest_sync_file_system(sync->worker, berth_snapshot_store_get_directory(store),
                                       snapshot_sync_on_synced, sync);
}
