/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One syncfs(2) of the snapshots' file system by a berth-ingest. The object lives from the start of
 * the worker until its reply; its operation owns it and keeps the service running.
 */

#include "snapshots/sync.h"

#include "base/log.h"
#include "base/operation.h"
#include "worker/calls.h"

/* Ten minutes: a slow disk may have gigabytes to write, and a worker that never answers would
 * otherwise keep the service running. */
#define TIMEOUT_USEC (600 * G_USEC_PER_SEC)
enum { TIMER_ACCURACY_USEC = 1000000 };

typedef struct {
    BerthOperation *operation;
    BerthSnapshotStore *store;
    BerthWorker *worker;
    sd_event_source *timeout;
    int64_t newest_usec; /* when the newest snapshot that this will sync was added */
    bool synced;
    BerthSnapshotsSynced done;
    void *userdata;
} SnapshotSync;

static void snapshot_sync_free(void *object) {
    SnapshotSync *sync = object;

    if (sync->done)
        sync->done(sync->synced, sync->userdata);
    if (sync->timeout)
        sd_event_source_disable_unref(sync->timeout);
    berth_worker_free(sync->worker);
    g_free(sync);
}

static void snapshot_sync_on_synced(sd_bus_message *reply, const GError *error, void *userdata) {
    SnapshotSync *sync = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    (void)reply;
    if (local || !berth_snapshot_store_set_synced(sync->store, sync->newest_usec, &local))
        berth_log_warning(NULL, NULL, "Cannot sync snapshots: %s", local->message);
    sync->synced = !local;
    berth_operation_end(sync->operation, local);
}

static int snapshot_sync_on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
    SnapshotSync *sync = userdata;

    (void)source;
    (void)usec;
    berth_log_warning(NULL, NULL, "Cannot sync snapshots: berth-ingest does not answer");
    berth_operation_end(sync->operation, NULL);
    return 0;
}

/* newest_usec is read before the worker begins, so that a snapshot that is committed during the
 * syncfs(2) stays unsynced. If no worker can be started, syncing is left to the next pull. */
void berth_snapshots_sync(BerthSnapshotStore *store, sd_event *event, BerthWorker *ingest,
                          BerthSnapshotsSynced done, void *userdata) {
    static const BerthOperationType type = {.free = snapshot_sync_free};
    g_autoptr(BerthWorker) worker = ingest;
    int64_t newest_usec;
    bool unsynced = berth_snapshot_store_has_unsynced(store, &newest_usec);

    if (!unsynced || (!worker && !(worker = berth_worker_new(event, "ingest", -1, NULL)))) {
        if (done)
            done(!unsynced, userdata);
        return;
    }
    SnapshotSync *sync = g_new0(SnapshotSync, 1);
    *sync = (SnapshotSync){
        .store = store,
        .worker = g_steal_pointer(&worker),
        .newest_usec = newest_usec,
        .done = done,
        .userdata = userdata,
    };
    sync->operation = berth_operation_new(event, &type, sync);
    if (sd_event_add_time_relative(event, &sync->timeout, CLOCK_MONOTONIC, TIMEOUT_USEC,
                                   TIMER_ACCURACY_USEC, snapshot_sync_on_timeout, sync) < 0)
        g_error("out of memory");
    berth_call_ingest_sync_file_system(sync->worker, berth_snapshot_store_get_directory(store),
                                       snapshot_sync_on_synced, sync);
}
