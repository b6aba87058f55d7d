/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Start: berth-launch makes the container's first process and sets it up while systemd makes its
 * scope. Only when it is in the scope, recorded, and its pidfd kept by systemd does it get the word
 * to execute the container's command. Dying before that word, the service leaves nothing that runs:
 * the launcher sees its socket close and ends.
 */

#include "base/fd.h"
#include "base/log.h"
#include "containers/container-private.h"
#include "containers/files.h"
#include "containers/ports.h"
#include "systemd/pidfd.h"

#include <errno.h>

/* berth-launch's own, for a failure that is not the command's. */
enum { STATUS_NOT_STARTED = 125, MAX_HOSTNAME_BYTES = 256 };

static void on_done(const GError *error, void *userdata) {
    BerthProcess *first = userdata;
    BerthContainer *container = first->container;
    BerthContainerDone started = first->started;

    berth_scopes_forget(container->containers->scopes, first);
    first->launch = NULL;
    if (!error && berth_container_is_running(container)) {
        berth_container_start_health(container);
        berth_container_register_machine(container);
    } else if (error) {
        /* systemd may just have made it, of a process that was gone. */
        berth_scopes_stop(container->containers->scopes, container->scope);
        if (!berth_container_is_running(container))
            berth_container_release_ports(container);
    }
    berth_container_go_on_removing(container);
    started(error, first->userdata);
    /* What failed before there was a process has ended all the same. */
    if (error && !first->born)
        berth_container_set_exited(container, STATUS_NOT_STARTED);
}

static bool record_start(BerthProcess *first, GError **error) {
    BerthContainer *container = first->container;
    BerthContainerRecord *record = &container->record;
    BerthProcessRecord *process = first->record;

    record->state = BERTH_CONTAINER_RUNNING;
    process->running = true;
    process->started_usec = (uint64_t)g_get_real_time();
    process->exited_usec = 0;
    process->status = BERTH_STATUS_UNKNOWN;
    record->wanted = true;
    berth_provisional_keep(first->container);
    process->pid_start = berth_pid_get_start((pid_t)process->pid);
    g_free(process->boot);
    process->boot = g_strdup(container->containers->boot);
    /* From before it runs: it may be killed before it is known to. */
    berth_container_watch_oom(container);
    return berth_container_keep_ports(container, error) &&
           berth_fd_store_put(first->fd_name, first->pidfd, error) &&
           berth_container_change(container, "start", error);
}

static void on_scope(const GError *scope_error, void *userdata) {
    BerthProcess *first = userdata;
    BerthContainer *container = first->container;
    g_autoptr(GError) error = scope_error ? g_error_copy(scope_error) : NULL;

    /* What is restored is recorded when it is there. */
    if (!error && (first->restoring || record_start(first, &error)) &&
        berth_launch_give_word(first->launch, &error)) {
        if (first->restoring)
            return;
        berth_log(LOG_INFO, BERTH_MESSAGE_CONTAINER_STARTED, "BERTH_CONTAINER",
                  container->record.id, "Container %s%s%s started for user %u",
                  container->record.id, container->record.image[0] ? " of image " : "",
                  container->record.image, container->record.owner);
        return;
    }
    berth_launch_fail(first->launch, error);
}

static void start_scope(BerthProcess *first) {
    BerthContainer *container = first->container;
    const BerthContainerRecord *record = &container->record;
    /* Whose it is has no other place that systemd's tools show: machined 252 takes no owner. */
    g_autofree char *description =
        g_strdup_printf("Container %s (%s) of user %u", record->id,
                        record->image[0] ? record->image : record->root, record->owner);
    const BerthScopeOptions options = {
        .unit = container->scope,
        .description = description,
        .slice = record->slice,
        .pid = record->first.pid,
        .stop_signal = record->stop_signal,
        .stop_timeout_usec = record->stop_timeout_usec,
        .properties = record->properties,
    };

    berth_scopes_start(container->containers->scopes, &options, on_scope, first);
}

static void on_born(BerthLaunch *launch, pid_t pid, int pidfd, void *userdata) {
    BerthProcess *first = userdata;
    g_autoptr(GError) error = NULL;

    first->born = true;
    first->record->pid = (uint32_t)pid;
    if (first->restoring) {
        /* This one only makes it. */
        close(pidfd);
        start_scope(first);
    } else if (berth_process_watch(first, pidfd, &error)) {
        start_scope(first);
    } else {
        berth_launch_fail(launch, error);
    }
}

static void on_restored(BerthLaunch *launch, pid_t pid, int pidfd, void *userdata) {
    BerthProcess *first = userdata;
    BerthContainerRecord *record = &first->container->record;
    g_autoptr(GError) error = NULL;

    record->first.pid = (uint32_t)pid;
    if (berth_process_watch(first, pidfd, &error) && record_start(first, &error) &&
        berth_launch_give_word(launch, &error))
        berth_log(LOG_INFO, BERTH_MESSAGE_CONTAINER_RESTORED, "BERTH_CONTAINER", record->id,
                  "Container %s restored from its checkpoint", record->id);
    else
        berth_launch_fail(launch, error);
}

static void on_terminal(int master, void *userdata) {
    berth_process_set_terminal(userdata, master);
}

static BerthLaunch *launch(BerthProcess *first, const BerthContainerStreams *streams,
                           GError **error) {
    static const BerthLaunchCallbacks callbacks = {on_born, on_restored, on_terminal, on_done};
    BerthContainers *containers = first->container->containers;
    const char *id = first->container->record.id;
    bool restoring = first->restoring;
    berth_autofd int config = -1, directory = -1, restorer = -1;

    if (!berth_container_open_files(first->container, &config, &directory, error) ||
        (restoring && (restorer = berth_launch_open_program("berth-checkpoint", error)) < 0))
        return NULL;
    const BerthLaunchRequest request = {
        .event = containers->event,
        .program = restoring ? restorer : containers->program,
        .name = restoring ? "berth-checkpoint" : "berth-launch",
        .mode = restoring ? "restore" : "create",
        .restores = restoring,
        .takes_its_time = restoring,
        .id = id,
        .input = streams->input,
        .output = streams->output,
        .error = streams->error,
        .descriptors = streams->descriptors,
        .descriptor_count = streams->count,
        .descriptor_names = streams->names,
        .config = config,
        .target = directory,
        .snapshots = berth_snapshot_store_get_directory(containers->images->snapshots),
    };
    return berth_launch_new(&request, &callbacks, first, error);
}

/* The name servers may be others than they were when it was created. */
static bool refresh_files(BerthContainer *container, GError **error) {
    const BerthContainerRecord *record = &container->record;
    g_autofree char *path = g_strconcat(record->id, "/etc/hostname", NULL);
    berth_autofd int file =
        openat(container->containers->directory, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    size_t size;

    if (file < 0)
        return true;
    g_autofree char *hostname = berth_fd_read_whole(file, MAX_HOSTNAME_BYTES, &size, error);
    return hostname &&
           berth_container_files_write(container->containers->directory, record->id,
                                       g_strchomp(hostname), record->network, NULL, error);
}

static bool check_startable(const BerthContainer *container, GError **error) {
    BerthContainerState state = container->record.state;
    bool starting = container->first->launch != NULL;

    if (!berth_container_check_kept(container, error))
        return false;
    /* Its root is mounted by who copies; a checkpoint may not be whole yet. */
    if (!berth_container_is_running(container) && !berth_container_check_idle(container, error))
        return false;
    if (!starting && (state == BERTH_CONTAINER_CREATED || state == BERTH_CONTAINER_STOPPED))
        return berth_process_check_charge(container->record.owner, container->record.terminal,
                                          false, error) &&
               berth_disk_check(container->containers, container->record.owner, error);
    return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "container \"%s\" cannot be started, it is %s", container->record.id,
                           starting ? "being started" : berth_container_state_get_name(state));
}

static void start(BerthContainer *container, bool restoring, const BerthContainerStreams *streams,
                  BerthContainerDone done, void *userdata) {
    BerthProcess *first = container->first;
    g_autoptr(GError) error = NULL;

    first->restoring = restoring;
    berth_container_cancel_restart(container);
    berth_process_drop_terminal(first);
    if (!refresh_files(container, &error) || !berth_container_hold_ports(container, &error)) {
        done(error, userdata);
        return;
    }
    berth_container_set_log_fields(container);
    first->started = done;
    first->userdata = userdata;
    first->born = false;
    first->launch = launch(first, streams, &error);
    if (first->launch)
        return;
    berth_container_release_ports(container);
    done(error, userdata);
}

void berth_container_start(BerthContainer *container, const BerthContainerStreams *streams,
                           BerthContainerDone done, void *userdata) {
    g_autoptr(GError) error = NULL;

    if (check_startable(container, &error))
        start(container, false, streams, done, userdata);
    else
        done(error, userdata);
}

static bool check_checkpoint(const BerthContainer *container, GError **error) {
    return berth_checkpoint_find(container) > 0 ||
           berth_error_set(error, BERTH_ERROR_NOT_FOUND, "container \"%s\" has no checkpoint",
                           container->record.id);
}

void berth_container_restore(BerthContainer *container, const BerthContainerStreams *streams,
                             BerthContainerDone done, void *userdata) {
    g_autoptr(GError) error = NULL;

    if (streams->count > 0)
        berth_error_set(&error, BERTH_ERROR_INVALID_ARGUMENT,
                        "what is restored has the descriptors that it had; only standard ones are "
                        "replaced");
    else if (check_startable(container, &error) && check_checkpoint(container, &error) &&
             berth_checkpoint_check_criu(&error))
        start(container, true, streams, done, userdata);
    else
        done(error, userdata);
}
