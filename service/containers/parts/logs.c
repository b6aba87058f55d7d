/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A reader of logs is an operation with its own worker. If the container has only just ended, it
 * first waits for journald; then it reads. It ends when the worker has written everything, when
 * nobody reads the pipe any more, or when the client disconnects from the bus. berthd itself
 * neither reads nor writes the pipe, and holds neither end once both have been handed out.
 *
 * The worker finds entries by the name of the scope. When the container is deleted or renamed, it
 * writes what the container has still written, and ends; if another container is started under the
 * name before that, it is told, and writes nothing of it. The part's slot in the service is the
 * list of all readers.
 */

#include "containers/parts/logs.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/operation.h"
#include "containers/core/handle.h"
#include "containers/parts/rename.h"
#include "systemd/journal-sync.h"
#include "worker/calls.h"

#include <errno.h>
#include <fcntl.h>

#define SETTLED_USEC (10 * G_USEC_PER_SEC)

typedef struct {
    BerthContainerHandle container;
    BerthOperation *operation;
    BerthWorker *worker;
    BerthCharge *charge;
    BerthJournalSync *sync; /* set while it waits for journald */
    /* What to read. This object owns the strings in it. */
    BerthJournalRead read;
    int output; /* -1 once the worker reads */
    int end;    /* a pipe to the worker (worker-members.h) */
} Logs;

static GPtrArray *get_readers(const BerthContainers *containers) {
    return *berth_containers_slot(containers, &berth_logs_part);
}

static void logs_free(void *object) {
    Logs *logs = object;

    if (get_readers(logs->container.containers))
        g_ptr_array_remove_fast(get_readers(logs->container.containers), logs);
    berth_journal_sync_free(logs->sync);
    berth_worker_free(logs->worker);
    berth_charge_free(logs->charge);
    berth_fd_clear(&logs->output);
    berth_fd_clear(&logs->read.end);
    berth_fd_clear(&logs->end);
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
    berth_fd_clear(&logs->read.end);
}

static void logs_on_all_written(void *userdata) {
    Logs *logs = userdata;

    g_clear_pointer(&logs->sync, berth_journal_sync_free);
    berth_fd_clear(&logs->end);
}

/* journald may not have written the container's last lines yet. */
static void logs_end(Logs *logs) {
    logs->read.follow = false;
    if (logs->output >= 0 || logs->sync || logs->end < 0)
        return;
    logs->sync =
        berth_journal_sync_new(logs->container.containers->event, logs_on_all_written, logs);
    if (!logs->sync)
        berth_fd_clear(&logs->end);
}

/* Whatever has this name from now on is another container's. */
static void logs_cut(Logs *logs) {
    uint64_t now = (uint64_t)g_get_real_time();

    logs->read.until_usec = MIN(logs->read.until_usec, now);
    /* The pipe has room: it is written to once for each container that follows. */
    if (logs->output < 0 && logs->end >= 0)
        (void)!write(logs->end, &now, sizeof now);
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
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        berth_error_set_errno(error, errno, "make a pipe");
        return -1;
    }
    berth_autofd int end_readable = ends[0];
    berth_autofd int end_writable = ends[1];
    g_autoptr(BerthWorker) worker =
        berth_worker_new(container->containers->event, "journal", directory, error);
    if (!worker)
        return -1;
    Logs *logs = g_new0(Logs, 1);
    logs->container = berth_container_get_handle(container);
    logs->worker = g_steal_pointer(&worker);
    logs->charge = g_steal_pointer(&owned);
    logs->operation = berth_operation_new(container->containers->event, &logs_type, logs);
    berth_operation_set_caller(logs->operation, NULL, request->client);
    logs->output = berth_fd_steal(&writable);
    logs->end = berth_fd_steal(&end_writable);
    logs->read = (BerthJournalRead){
        .end = berth_fd_steal(&end_readable),
        .unit = g_strdup(berth_container_get_cgroup_name(container)),
        .since_usec = MAX(request->since_usec, find_beginning(&container->record)),
        .until_usec = request->until_usec,
        .lines = request->lines,
        .follow = request->follow,
        .messages = request->messages,
        .fields = g_strdupv((char **)request->fields),
    };
    g_ptr_array_add(get_readers(container->containers), logs);
    if (has_just_ended(container))
        logs->sync = berth_journal_sync_new(container->containers->event, logs_begin_reading, logs);
    if (!logs->sync)
        logs_begin_reading(logs);
    return berth_fd_steal(&readable);
}

static bool logs_opened(BerthContainers *containers, GError **error) {
    (void)error;
    *berth_containers_slot(containers, &berth_logs_part) = g_ptr_array_new();
    return true;
}

static void logs_closed(BerthContainers *containers) {
    void **slot = berth_containers_slot(containers, &berth_logs_part);

    if (*slot)
        g_ptr_array_unref(*slot);
    *slot = NULL;
}

static void logs_leaving(BerthContainer *container) {
    const GPtrArray *readers = get_readers(container->containers);

    for (guint i = 0; i < readers->len; i++) {
        Logs *logs = readers->pdata[i];
        if (logs->container.number == container->number)
            logs_end(logs);
    }
}

/* A name that the container has had before a rename is not its own either. */
static bool logs_starting(BerthContainer *container, GError **error) {
    const GPtrArray *readers = get_readers(container->containers);
    const char *unit = berth_container_get_cgroup_name(container);

    (void)error;
    for (guint i = 0; i < readers->len; i++) {
        Logs *logs = readers->pdata[i];
        if (logs->container.number != container->number && g_str_equal(logs->read.unit, unit))
            logs_cut(logs);
    }
    return true;
}

const BerthPart berth_logs_part = {
    .name = "logs",
    .opened = logs_opened,
    .closed = logs_closed,
    .starting = logs_starting,
    .renaming = logs_leaving,
    .deleted = logs_leaving,
};
