/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One container: its state, the end of its process, and what follows from it. */

#include "base/fd.h"
#include "base/log.h"
#include "containers/container-private.h"
#include "containers/ports.h"

#include <errno.h>
#include <string.h>

BerthContainer *berth_container_new(BerthContainers *containers, BerthContainerRecord *record) {
    BerthContainer *container = g_new0(BerthContainer, 1);

    container->containers = containers;
    container->record = *record;
    memset(record, 0, sizeof *record);
    container->scope = g_strdup_printf("berth-%s.scope", container->record.id);
    container->processes = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, berth_process_free);
    container->first = berth_process_new(container, &container->record.first);
    g_hash_table_insert(containers->by_id, container->record.id, container);
    return container;
}

void berth_container_free(gpointer data) {
    BerthContainer *container = data;

    if (container->stop_timer)
        sd_event_source_disable_unref(container->stop_timer);
    berth_container_cancel_restart(container);
    berth_container_stop_watching_oom(container);
    berth_container_stop_health(container);
    berth_container_forget_ports(container);
    g_clear_pointer(&container->removal, g_ptr_array_unref);
    sd_bus_track_unref(container->creator);
    g_hash_table_unref(container->processes);
    berth_process_free(container->first);
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

bool berth_container_open_files(const BerthContainer *container, int *config, int *directory,
                                GError **error) {
    const char *id = container->record.id;
    g_autofree char *path = g_strconcat(id, "/config.json", NULL);

    *config = openat(container->containers->directory, path, O_RDONLY | O_CLOEXEC);
    *directory = openat(container->containers->directory, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return (*config >= 0 && *directory >= 0) ||
           berth_error_set_errno(error, errno, "open the files of container %s", id);
}

void berth_container_tell(BerthContainer *container, uint64_t sequence) {
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
        berth_container_tell(container, sequence);
    return true;
}

static void log_end(const BerthContainerRecord *record) {
    g_autofree char *status = record->first.status == BERTH_STATUS_UNKNOWN
                                  ? g_strdup("status unknown")
                                  : g_strdup_printf("status %d", record->first.status);

    berth_log(LOG_INFO, BERTH_MESSAGE_CONTAINER_EXITED, "BERTH_CONTAINER", record->id,
              "Container %s exited; %s", record->id, status);
}

static void fail_attaching(BerthContainer *container, const char *why) {
    g_autoptr(GError) error = NULL;

    berth_error_set(&error, BERTH_ERROR_NOT_FOUND, "container \"%s\" %s", container->record.id,
                    why);
    berth_process_answer_attaching(container->first, error);
}

void berth_container_set_exited(BerthContainer *container, int status) {
    BerthContainerRecord *record = &container->record;
    BerthProcess *first = container->first;
    g_autoptr(GError) error = NULL;

    if (container->stop_timer)
        container->stop_timer = sd_event_source_disable_unref(container->stop_timer);
    if (first->watch)
        first->watch = sd_event_source_disable_unref(first->watch);
    /* Why it was killed comes before that it has ended. */
    berth_container_look_for_oom(container);
    berth_container_stop_watching_oom(container);
    berth_container_stop_health(container);
    record->state = BERTH_CONTAINER_STOPPED;
    record->first.running = false;
    record->first.status = status;
    record->first.exited_usec = (uint64_t)g_get_real_time();
    if (!berth_container_change(container, "exit", &error))
        berth_log_warning("BERTH_CONTAINER", record->id, "Cannot record the end of %s: %s",
                          record->id, error->message);
    if (berth_container_has_network(container))
        berth_network_leave(container->containers, record->id, record->first.pid);
    /* After the record: until then the descriptor is what knows the status. */
    berth_process_forget(first);
    berth_container_release_ports(container);
    berth_container_drop_log_fields(container);
    log_end(record);
    berth_disk_measure(container);
    /* Why it failed to start comes before that it has ended. */
    if (first->launch)
        berth_launch_set_exited(first->launch, status);
    /* It may have come just now. */
    berth_terminal_set_ended(first->terminal);
    fail_attaching(container, "ended before it had a terminal");
    if (record->auto_remove)
        berth_container_remove_soon(container);
    else
        berth_container_restart_if_wanted(container);
    berth_container_go_on_removing(container);
    /* The last thing: one who waits may delete it. */
    berth_process_answer_waiters(first, status, record->first.exited_usec);
}

bool berth_container_is_running(const BerthContainer *container) {
    return container->record.state == BERTH_CONTAINER_RUNNING ||
           container->record.state == BERTH_CONTAINER_PAUSED;
}

bool berth_container_check_running(const BerthContainer *container, GError **error) {
    return berth_container_is_running(container) ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "container \"%s\" is not running, it is %s", container->record.id,
                           berth_container_state_get_name(container->record.state));
}
