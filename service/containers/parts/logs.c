/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A reader of logs is an operation with its own worker. If the container has only just ended, it
 * first waits for journald; then it reads. It ends when the worker has written everything, when
 * nobody reads the pipe any more, or when the client disconnects from the bus. berthd itself
 * neither reads nor writes the pipe, and holds neither end once both have been handed out.
 */

#include "containers/parts/logs.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/operation.h"
#include "containers/parts/rename.h"
#include "systemd/journal-sync.h"
#include "worker/calls.h"

#include <errno.h>
#include <fcntl.h>

#define SETTLED_USEC (10 * G_USEC_PER_SEC)

typedef struct {
    BerthOperation *operation;
    BerthWorker *worker;
    BerthCharge *charge;
    BerthJournalSync *sync; /* set while it waits for journald */
    /* What to read. This object owns the strings in it. */
    BerthJournalRead read;
    int output;
} Logs;

static void logs_free(void *object) {
    Logs *logs = object;

    berth_journal_sync_free(logs->sync);
    berth_worker_free(logs->worker);
    berth_charge_free(logs->charge);
    berth_fd_clear(&logs->output);
    g_free((char *)logs->read.unit);
    g_strfreev((char **)logs->read.fields);
    g_free(logs);
}

static const BerthOperationType logs_type = {.free = logs_free};

static void on_logs_read(sd_bus_message *reply, const GError *error, void *userdata) {
    Logs *logs = userdata;

    (void)reply;
    if (error)
        berth_log_warning(NULL, NULL, "Cannot read the journal: %s", error->message);
    berth_operation_end(logs->operation, error);
}

/* berthd holds no end of the pipe from now on, so the reader sees its end when the worker closes
 * it. */
static void logs_begin_reading(void *userdata) {
    Logs *logs = userdata;

    g_clear_pointer(&logs->sync, berth_journal_sync_free);
    logs->read.output = logs->output;
    berth_call_journal_read(logs->worker, &logs->read, on_logs_read, logs);
    berth_fd_clear(&logs->output);
}

/* The last lines may not be in the journal's files yet, so journald must be asked to sync. This is
 * not done when they are certain to be there, since a sync makes journald write to disk. */
static bool has_just_ended(const BerthContainer *container) {
    const BerthProcessRecord *first = &container->record.first;

    return !berth_container_is_running(container) && first->exited_usec > 0 &&
           (uint64_t)g_get_real_time() < first->exited_usec + SETTLED_USEC;
}

/* The journal is in one of these two, depending on whether it is persistent. */
static int open_journal(GError **error) {
    static const char *const paths[] = {"/var/log/journal", "/run/log/journal"};

    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        berth_autofd int directory = open(paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory >= 0)
            return berth_fd_steal(&directory);
    }
    berth_error_set_errno(error, errno, "open the journal");
    return -1;
}

/* Before this container was created, or renamed to its present id, another one may have had the id.
 * The log entries of that one must not be shown. */
static uint64_t find_beginning(const BerthContainerRecord *record) {
    g_autoptr(GVariant) renamed =
        berth_container_record_get_extra(record, BERTH_RENAMED_TIME, G_VARIANT_TYPE_UINT64);

    return renamed ? MAX(g_variant_get_uint64(renamed), record->created_usec)
                   : record->created_usec;
}

int berth_container_open_logs(BerthContainer *container, const BerthLogsRequest *request,
                              BerthCharge *charge, GError **error) {
    g_autoptr(BerthCharge) owned = charge;
    berth_autofd int directory = open_journal(error);
    int ends[2];

    if (directory < 0)
        return -1;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        berth_error_set_errno(error, errno, "make a pipe");
        return -1;
    }
    berth_autofd int readable = ends[0];
    berth_autofd int writable = ends[1];
    g_autoptr(BerthWorker) worker =
        berth_worker_new(container->containers->event, "journal", directory, error);
    if (!worker)
        return -1;
    Logs *logs = g_new0(Logs, 1);
    logs->worker = g_steal_pointer(&worker);
    logs->charge = g_steal_pointer(&owned);
    logs->operation = berth_operation_new(container->containers->event, &logs_type, logs);
    berth_operation_set_caller(logs->operation, NULL, request->client);
    logs->output = berth_fd_steal(&writable);
    logs->read = (BerthJournalRead){
        .unit = g_strdup(berth_container_get_cgroup_name(container)),
        .since_usec = MAX(request->since_usec, find_beginning(&container->record)),
        .until_usec = request->until_usec,
        .lines = request->lines,
        .follow = request->follow,
        .messages = request->messages,
        .fields = g_strdupv((char **)request->fields),
    };
    if (has_just_ended(container))
        logs->sync = berth_journal_sync_new(container->containers->event, logs_begin_reading, logs);
    if (!logs->sync)
        logs_begin_reading(logs);
    return berth_fd_steal(&readable);
}
