/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Exec: further processes in a container that runs. Each has a row in berth.db, a pidfd that
 * systemd keeps, and its end is an event, as of the first one. */

#include "base/document.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/names.h"
#include "containers/container-private.h"
#include "systemd/pidfd.h"

#include <errno.h>
#include <string.h>

/* How many ended ones are remembered a container. */
enum { MAX_PROCESSES = 1000 };

static bool record_event(BerthProcess *process, const char *kind, GError **error) {
    BerthContainer *container = process->container;
    uint64_t sequence;

    if (process->quiet)
        return true;
    if (!berth_container_store_put_process(container->containers->database, process->record,
                                           container->record.owner, kind, &sequence, error))
        return false;
    berth_container_tell(container, sequence);
    return true;
}

static void on_done(const GError *error, void *userdata) {
    BerthProcess *process = userdata;
    BerthContainerDone started = process->started;
    void *started_userdata = process->userdata;
    g_autoptr(GError) local = NULL;

    process->launch = NULL;
    /* What has ended meanwhile started, too. */
    if (!error && !record_event(process, "exec-started", &local))
        berth_log_warning("BERTH_CONTAINER", process->record->container, "%s", local->message);
    /* One that never was is not remembered. */
    if (error && process->record->pid == 0) {
        berth_container_go_on_removing(process->container);
        berth_process_fail_waiters(process, error);
        g_hash_table_remove(process->container->processes, process->record->id);
    }
    started(error, started_userdata);
}

static bool record_birth(BerthProcess *process, GError **error) {
    BerthProcessRecord *record = process->record;

    record->pid_start = berth_pid_get_start((pid_t)record->pid);
    record->boot = g_strdup(process->container->containers->boot);
    record->started_usec = (uint64_t)g_get_real_time();
    return (process->quiet || berth_fd_store_put(process->fd_name, process->pidfd, error)) &&
           record_event(process, "exec-added", error);
}

static void on_born(BerthLaunch *launch, pid_t pid, int pidfd, void *userdata) {
    BerthProcess *process = userdata;
    g_autoptr(GError) error = NULL;

    process->record->pid = (uint32_t)pid;
    if (!berth_process_watch(process, pidfd, &error) || !record_birth(process, &error) ||
        !berth_launch_give_word(launch, &error))
        berth_launch_fail(launch, error);
}

static void on_terminal(int master, void *userdata) {
    berth_process_set_terminal(userdata, master);
}

void berth_process_set_exited(BerthProcess *process, int status) {
    BerthProcessRecord *record = process->record;
    g_autoptr(GError) error = NULL;

    if (process->watch)
        process->watch = sd_event_source_disable_unref(process->watch);
    record->running = false;
    record->status = status;
    record->exited_usec = (uint64_t)g_get_real_time();
    /* It may have come to life and ended in one: the events keep their order. */
    if (process->launch)
        berth_launch_set_exited(process->launch, status);
    if (!record_event(process, "exit", &error))
        berth_log_warning("BERTH_CONTAINER", record->container,
                          "Cannot record the end of process %s: %s", record->id, error->message);
    berth_process_forget(process);
    berth_container_go_on_removing(process->container);
    berth_process_answer_waiters(process, status, record->exited_usec);
    if (process->quiet)
        g_hash_table_remove(process->container->processes, record->id);
}

static gint compare_end(gconstpointer a, gconstpointer b) {
    const BerthProcess *first = *(BerthProcess *const *)a, *second = *(BerthProcess *const *)b;

    return first->record->exited_usec < second->record->exited_usec ? -1 : 1;
}

/* The oldest of those that have ended makes room. */
static bool make_room(BerthContainer *container, GError **error) {
    g_autoptr(GPtrArray) ended = g_ptr_array_new();
    GHashTableIter iterator;
    gpointer value;

    if (g_hash_table_size(container->processes) < MAX_PROCESSES)
        return true;
    g_hash_table_iter_init(&iterator, container->processes);
    while (g_hash_table_iter_next(&iterator, NULL, &value))
        if (!((BerthProcess *)value)->record->running)
            g_ptr_array_add(ended, value);
    if (ended->len == 0)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                               "container \"%s\" runs %d processes already", container->record.id,
                               MAX_PROCESSES);
    g_ptr_array_sort(ended, compare_end);
    BerthProcess *oldest = ended->pdata[0];
    if (!berth_container_store_delete_process(container->containers->database, container->record.id,
                                              oldest->record->id, error))
        return false;
    berth_process_drop_terminal(oldest);
    g_hash_table_remove(container->processes, oldest->record->id);
    return true;
}

static bool check(BerthContainer *container, const BerthExecOptions *options, GError **error) {
    if (!berth_name_check_container(options->process, error) ||
        !berth_container_check_kept(container, error) ||
        !berth_container_check_running(container, error))
        return false;
    if (container->record.state == BERTH_CONTAINER_PAUSED)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" is paused; resume it first", container->record.id);
    if (container->first->launch)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" is being started", container->record.id);
    if (!berth_container_check_whole(container, error))
        return false;
    if (g_hash_table_contains(container->processes, options->process))
        return berth_error_set(error, BERTH_ERROR_ALREADY_EXISTS,
                               "container \"%s\" has a process \"%s\" already",
                               container->record.id, options->process);
    /* Root gets into a container whose owner has all that he may have. */
    uint32_t uid = options->by_root ? 0 : container->record.owner;
    return (options->quiet || berth_process_check_charge(uid, options->terminal, true, error)) &&
           make_room(container, error);
}

static int make_config(BerthContainer *container, const BerthExecOptions *options, char ***command,
                       GError **error) {
    g_autofree char *path = g_strconcat(container->record.id, "/config.json", NULL);
    berth_autofd int file = openat(container->containers->directory, path, O_RDONLY | O_CLOEXEC);
    size_t size;

    if (file < 0) {
        berth_error_set_errno(error, errno, "open the configuration of container %s",
                              container->record.id);
        return -1;
    }
    g_autofree char *text = berth_fd_read_whole(file, BERTH_DOCUMENT_MAX_BYTES, &size, error);
    g_autofree char *changed =
        text ? berth_spec_format_exec(text, size, options, command, error) : NULL;
    return changed ? berth_fd_new_in_memory(changed, strlen(changed), error) : -1;
}

/* For those who look: as much as is told of any process. */
static char *shorten(char *const *command) {
    g_autofree char *text = g_strjoinv(" ", (char **)command);

    return g_utf8_make_valid(text, (gssize)strnlen(text, BERTH_MAX_TEXT_BYTES));
}

static BerthProcess *add_process(BerthContainer *container, const BerthExecOptions *options,
                                 char **command) {
    BerthProcessRecord *record = g_new0(BerthProcessRecord, 1);

    *record = (BerthProcessRecord){
        .container = g_strdup(container->record.id),
        .id = g_strdup(options->process),
        .command = shorten(command),
        .running = true,
        .status = BERTH_STATUS_UNKNOWN,
    };
    return berth_process_new(container, record);
}

void berth_container_exec(BerthContainer *container, const BerthExecOptions *options,
                          const BerthContainerStreams *streams, BerthContainerDone done,
                          void *userdata) {
    static const BerthLaunchCallbacks callbacks = {
        .born = on_born, .terminal = on_terminal, .done = on_done};
    BerthContainers *containers = container->containers;
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) command = NULL;
    berth_autofd int config = -1;

    if (!check(container, options, &error) ||
        (config = make_config(container, options, &command, &error)) < 0) {
        done(error, userdata);
        return;
    }
    const BerthLaunchRequest request = {
        .event = containers->event,
        .program = containers->program,
        .mode = "exec",
        .id = container->record.id,
        .input = streams->input,
        .output = streams->output,
        .error = streams->error,
        .descriptors = streams->descriptors,
        .descriptor_count = streams->count,
        .descriptor_names = streams->names,
        .config = config,
        .target = container->first->pidfd,
        .snapshots = -1,
    };
    BerthProcess *process = add_process(container, options, command);
    process->quiet = options->quiet;
    if (!process->quiet)
        process->runs =
            berth_charge_new_forced(container->record.owner, BERTH_RESOURCE_PROCESSES, 1);
    process->started = done;
    process->userdata = userdata;
    process->launch = berth_launch_new(&request, &callbacks, process, &error);
    if (process->launch)
        return;
    g_hash_table_remove(container->processes, process->record->id);
    done(error, userdata);
}

static bool recover_one(BerthContainer *container, BerthProcessRecord *record,
                        const BerthKeptDescriptors *kept, GError **error) {
    BerthProcess *process = berth_process_new(container, record);
    int pidfd = berth_process_find_again(process, kept);

    if (pidfd >= 0)
        return berth_process_watch(process, pidfd, error);
    if (record->running)
        berth_process_set_exited(process, BERTH_STATUS_UNKNOWN);
    return true;
}

bool berth_processes_recover(BerthContainers *containers, const BerthKeptDescriptors *kept,
                             GError **error) {
    g_autoptr(GPtrArray) records =
        berth_container_store_list_processes(containers->database, error);
    bool good = records != NULL;

    while (good && records->len > 0) {
        BerthProcessRecord *record = g_ptr_array_steal_index(records, 0);
        BerthContainer *container = berth_containers_find(containers, record->container, NULL);
        if (container)
            good = recover_one(container, record, kept, error);
        else
            berth_process_record_free(record);
    }
    return good;
}
