/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One container: its state, the end of its process, and what follows from it. */

#include "base/fd.h"
#include "base/log.h"
#include "containers/container-private.h"
#include "snapshots/trash.h"
#include "systemd/pidfd.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

typedef struct {
    BerthContainerExited exited;
    void *userdata;
} Waiter;

BerthContainer *berth_container_new(BerthContainers *containers, BerthContainerRecord *record) {
    BerthContainer *container = g_new0(BerthContainer, 1);

    container->containers = containers;
    container->record = *record;
    memset(record, 0, sizeof *record);
    container->scope = g_strdup_printf("berth-%s.scope", container->record.id);
    container->pidfd = -1;
    container->waiters = g_ptr_array_new_with_free_func(g_free);
    g_hash_table_insert(containers->by_id, container->record.id, container);
    return container;
}

void berth_container_free(gpointer data) {
    BerthContainer *container = data;

    if (container->launch)
        berth_launch_free(container->launch);
    if (container->watch)
        sd_event_source_disable_unref(container->watch);
    if (container->stop_timer)
        sd_event_source_disable_unref(container->stop_timer);
    berth_fd_clear(&container->pidfd);
    g_ptr_array_unref(container->waiters);
    berth_container_record_clear(&container->record);
    g_free(container->scope);
    g_free(container);
}

const BerthContainerRecord *berth_container_get_record(const BerthContainer *container) {
    return &container->record;
}

const char *berth_container_get_scope(const BerthContainer *container) {
    return container->scope;
}

static void tell(BerthContainer *container, uint64_t sequence) {
    BerthContainers *containers = container->containers;
    g_autoptr(BerthEvent) event = berth_container_store_get_event(containers->database, sequence);

    if (event && containers->observer)
        containers->observer(event, container, containers->userdata);
}

bool berth_container_change(BerthContainer *container, const char *event, GError **error) {
    uint64_t sequence = 0;

    if (!berth_container_store_put(container->containers->database, &container->record, event,
                                   &sequence, error))
        return false;
    if (event)
        tell(container, sequence);
    return true;
}

static void answer_waiters(BerthContainer *container) {
    g_autoptr(GPtrArray) waiters = g_steal_pointer(&container->waiters);
    int status = container->record.status;
    uint64_t exited = container->record.exited_usec;

    container->waiters = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < waiters->len; i++) {
        Waiter *waiter = waiters->pdata[i];
        waiter->exited(status, exited, NULL, waiter->userdata);
    }
}

static int on_auto_remove(sd_event_source *source, void *userdata) {
    BerthContainer *container = userdata;
    g_autoptr(GError) error = NULL;

    sd_event_source_unref(source);
    if (!berth_container_delete(container, &error))
        berth_log_warning("BERTH_CONTAINER", container->record.id, "Cannot remove %s: %s",
                          container->record.id, error->message);
    return 0;
}

/* From the loop, after whoever waits has its answer in the queue. */
static void remove_soon(BerthContainer *container) {
    sd_event_source *source;

    if (sd_event_add_defer(container->containers->event, &source, on_auto_remove, container) < 0)
        g_error("out of memory");
}

static void log_end(const BerthContainerRecord *record) {
    g_autofree char *status = record->status == BERTH_STATUS_UNKNOWN
                                  ? g_strdup("a status that is not known")
                                  : g_strdup_printf("status %d", record->status);

    berth_log(LOG_INFO, BERTH_MESSAGE_CONTAINER_EXITED, "BERTH_CONTAINER", record->id,
              "Container %s ended with %s", record->id, status);
}

void berth_container_set_exited(BerthContainer *container, int status) {
    BerthContainerRecord *record = &container->record;
    g_autoptr(GError) error = NULL;

    if (container->watch)
        container->watch = sd_event_source_disable_unref(container->watch);
    if (container->stop_timer)
        container->stop_timer = sd_event_source_disable_unref(container->stop_timer);
    berth_fd_clear(&container->pidfd);
    record->state = BERTH_CONTAINER_STOPPED;
    record->status = status;
    record->exited_usec = (uint64_t)g_get_real_time();
    if (!berth_container_change(container, "exit", &error))
        berth_log_warning("BERTH_CONTAINER", record->id, "Cannot record the end of %s: %s",
                          record->id, error->message);
    /* After the record: until then the descriptor is what knows the status. */
    berth_fd_store_remove(container->scope);
    log_end(record);
    /* Why it failed to start comes before that it has ended. */
    if (container->launch)
        berth_launch_set_exited(container->launch, status);
    answer_waiters(container);
    if (record->auto_remove)
        remove_soon(container);
}

static int on_pidfd(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    BerthContainer *container = userdata;
    int status = BERTH_STATUS_UNKNOWN;

    (void)events;
    switch (berth_pidfd_look(fd, &status)) {
    case BERTH_PIDFD_RUNNING:
        return 0;
    case BERTH_PIDFD_UNREAPED:
        /* Readable all the time now; the hang-up, which always counts, says that it was reaped. */
        return sd_event_source_set_io_events(source, 0);
    case BERTH_PIDFD_EXITED:
    case BERTH_PIDFD_UNKNOWN:
    default:
        berth_container_set_exited(container, status);
        return 0;
    }
}

bool berth_container_watch(BerthContainer *container, int pidfd, GError **error) {
    container->pidfd = pidfd;
    int r = sd_event_add_io(container->containers->event, &container->watch, pidfd, EPOLLIN,
                            on_pidfd, container);
    return r >= 0 || berth_error_set_errno(error, r, "watch container %s", container->record.id);
}

static bool is_running(const BerthContainer *container) {
    return container->record.state == BERTH_CONTAINER_RUNNING ||
           container->record.state == BERTH_CONTAINER_PAUSED;
}

static bool check_running(const BerthContainer *container, GError **error) {
    return is_running(container) ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "container \"%s\" is not running, it is %s", container->record.id,
                           berth_container_state_get_name(container->record.state));
}

bool berth_container_kill(BerthContainer *container, int signal, bool all, GError **error) {
    if (signal < 1 || signal > SIGRTMAX)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%d is no signal", signal);
    if (!check_running(container, error))
        return false;
    if (all) {
        berth_scopes_kill(container->containers->scopes, container->scope, signal, NULL, NULL);
        return true;
    }
    if (syscall(SYS_pidfd_send_signal, container->pidfd, signal, NULL, 0) < 0 && errno != ESRCH)
        return berth_error_set_errno(error, errno, "signal container %s", container->record.id);
    return true;
}

static int on_stop_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
    BerthContainer *container = userdata;

    (void)source;
    (void)usec;
    berth_container_kill(container, SIGKILL, true, NULL);
    return 0;
}

void berth_container_stop(BerthContainer *container, uint64_t timeout_usec) {
    sd_event *event = container->containers->event;

    if (!is_running(container))
        return;
    if (timeout_usec == UINT64_MAX)
        timeout_usec = container->record.stop_timeout_usec;
    berth_container_kill(container, container->record.stop_signal, false, NULL);
    /* A second request may only shorten the wait. */
    if (container->stop_timer)
        container->stop_timer = sd_event_source_disable_unref(container->stop_timer);
    if (sd_event_add_time_relative(event, &container->stop_timer, CLOCK_MONOTONIC,
                                   MIN(timeout_usec, 24 * 3600 * (uint64_t)G_USEC_PER_SEC), 0,
                                   on_stop_timeout, container) < 0)
        berth_container_kill(container, SIGKILL, true, NULL);
}

void berth_container_wait(BerthContainer *container, BerthContainerExited exited, void *userdata) {
    if (container->record.state == BERTH_CONTAINER_STOPPED && !container->launch) {
        exited(container->record.status, container->record.exited_usec, NULL, userdata);
        return;
    }
    Waiter *waiter = g_new0(Waiter, 1);
    *waiter = (Waiter){exited, userdata};
    g_ptr_array_add(container->waiters, waiter);
}

bool berth_containers_forget_wait(BerthContainers *containers, void *userdata) {
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        GPtrArray *waiters = ((BerthContainer *)value)->waiters;
        for (guint i = 0; i < waiters->len; i++)
            if (((Waiter *)waiters->pdata[i])->userdata == userdata) {
                g_ptr_array_remove_index(waiters, i);
                return true;
            }
    }
    return false;
}

static void fail_waiters(BerthContainer *container) {
    g_autoptr(GError) error = NULL;

    berth_error_set(&error, BERTH_ERROR_NOT_FOUND,
                    "container \"%s\" was deleted before it was started", container->record.id);
    for (guint i = 0; i < container->waiters->len; i++) {
        Waiter *waiter = container->waiters->pdata[i];
        waiter->exited(BERTH_STATUS_UNKNOWN, 0, error, waiter->userdata);
    }
}

bool berth_container_delete(BerthContainer *container, GError **error) {
    BerthContainers *containers = container->containers;
    const char *id = container->record.id;
    uint64_t sequence;

    if (is_running(container) || container->launch)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" is running; stop it first", id);
    if (!berth_container_store_delete(containers->database, &container->record, &sequence, error))
        return false;
    /* Without its row the directory is trash, whenever a crash comes. */
    g_autoptr(GError) local = NULL;
    if (!berth_trash_take(containers->event, containers->directory, id, &local))
        berth_log_warning("BERTH_CONTAINER", id, "%s", local->message);
    tell(container, sequence);
    fail_waiters(container);
    g_hash_table_remove(containers->by_id, id);
    return true;
}
