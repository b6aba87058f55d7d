/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A start, from the request until the command runs. berth-launch creates the process and sets it up
 * while systemd creates its scope. The process receives the go-ahead to execute the command only
 * once it is in the scope and recorded, and systemd keeps its pidfd. If the service dies before
 * that, nothing stays behind: the launcher sees its socket close, and exits.
 *
 * A start is a list of steps, below. Each step either lets the next one follow at once, or waits
 * for a callback that continues. An error ends the start: the launch is aborted, and its process,
 * if there is one, is killed. The process owns its start.
 */

#include "containers/core/start.h"

#include "bare/cgroup-move.h"
#include "base/fd.h"
#include "base/log.h"
#include "containers/core/cgroup.h"
#include "containers/core/exit.h"
#include "containers/core/failure.h"
#include "containers/core/launch.h"
#include "containers/core/part.h"
#include "containers/core/pod.h"
#include "containers/core/process.h"
#include "containers/core/secrets.h"
#include "containers/core/state.h"
#include "containers/core/waiters.h"
#include "systemd/pidfd.h"

#include <errno.h>

/* The exit status of a start that fails before a process exists. */
enum { STATUS_NOT_STARTED = 125 };

typedef enum {
    STEP_DONE,   /* continue with the next step */
    STEP_WAITS,  /* a callback continues with the next step */
    STEP_FAILED, /* error is set */
} StepResult;

typedef struct Start Start;
typedef StepResult (*StartStep)(Start *start, GError **error);

/* For the first process of a container. */
static StepResult start_step_scope(Start *start, GError **error);
static StepResult start_step_record(Start *start, GError **error);
/* For executed processes. */
static StepResult start_step_record_executed(Start *start, GError **error);
/* For both. */
static StepResult start_step_watch(Start *start, GError **error);
static StepResult start_step_go_ahead(Start *start, GError **error);

/* The steps after berth-launch has created a process. */
static const StartStep create_steps[] = {
    start_step_watch,    /* from here on, its end is an exit of the container */
    start_step_scope,    /* … until systemd has moved it into its scope */
    start_step_record,   /* with its event; systemd stores its pidfd */
    start_step_go_ahead, /* … until it has become the command */
    NULL,
};

/* The same for the cgroup of the caller, into which berth-launch clones the process directly. */
static const StartStep create_with_caller_steps[] = {
    start_step_watch,
    start_step_record,
    start_step_go_ahead,
    NULL,
};

/* berth-checkpoint's process becomes CRIU and restores those of the container. Nothing is recorded
 * or watched before they exist. */
static const StartStep restore_steps[] = {
    start_step_scope,    /* … until berth-checkpoint's process is in it */
    start_step_go_ahead, /* … until it has restored the first process */
    start_step_watch,
    start_step_record,
    start_step_go_ahead, /* … until that process continues */
    NULL,
};

/* berth-launch creates the process in the container's cgroup, so no scope is needed. */
static const StartStep exec_steps[] = {
    start_step_watch,
    start_step_record_executed,
    start_step_go_ahead, /* … until it has become the command */
    NULL,
};

struct Start {
    BerthStart base;
    BerthProcess *process;
    const StartStep *steps, *next;
    BerthLaunch *launch; /* NULL once it has called done */
    uint32_t pid;        /* of the process that the launch created last; 0 for none yet */
    int pidfd;           /* of the same process, until it is watched */
    BerthHold *hold;
    GError *failure; /* set if the start was cancelled, or the launch failed without a process */
    BerthContainerDone done;
    void *userdata;
};

/* Frees the start without a reply. systemd's job for the scope may still be running; its result is
 * ignored. */
static void start_free(BerthStart *base) {
    Start *start = (Start *)base;

    start->process->start = NULL;
    berth_scopes_forget(start->process->container->containers->scopes, start);
    if (start->launch)
        berth_launch_free(start->launch);
    berth_fd_clear(&start->pidfd);
    g_clear_error(&start->failure);
    berth_hold_free(start->hold);
    g_free(start);
}

/* Before a process exists, berth-launch is not killed but refused the go-ahead. Between creating
 * the process and handing over its pidfd, berth-launch alone knows the process, and an unreaped
 * process keeps the first one of its PID namespace from exiting. */
static void start_cancel(BerthStart *base, const GError *reason) {
    Start *start = (Start *)base;

    if (!start->failure)
        start->failure = g_error_copy(reason);
    if (start->launch && start->pid != 0)
        berth_launch_fail(start->launch, reason);
}

/* Runs steps until one waits or fails. start_on_done() reports a failure once the launch has
 * ended. */
static void start_advance(Start *start) {
    g_autoptr(GError) error = NULL;

    while (*start->next) {
        StartStep step = *start->next++;
        StepResult result = step(start, &error);
        if (result == STEP_FAILED)
            berth_launch_fail(start->launch, error);
        if (result != STEP_DONE)
            return;
    }
}

static StepResult start_step_watch(Start *start, GError **error) {
    BerthProcess *process = start->process;

    /* Before the watch exists, which may look up the exit status by this pid. */
    process->record->pid = start->pid;
    return berth_process_watch(process, berth_fd_steal(&start->pidfd), berth_process_set_exited,
                               error)
               ? STEP_DONE
               : STEP_FAILED;
}

static void start_on_scope(const GError *error, void *userdata) {
    Start *start = userdata;

    if (error)
        berth_launch_fail(start->launch, error);
    else
        start_advance(start);
}

static StepResult start_step_scope(Start *start, GError **error) {
    const BerthContainer *container = start->process->container;
    const BerthContainerRecord *record = &container->record;
    /* The description is the only place where systemd's tools show the owner: machined 252 has no
     * field for it. Everybody can read it, so the image is not in it. */
    g_autofree char *description =
        g_strdup_printf("Container %s of user %u", record->id, record->owner);
    g_autofree char *bound = berth_container_get_bound_unit(container);
    const BerthScopeOptions options = {
        .unit = container->scope,
        .description = description,
        .slice = record->slice,
        .bound_to = bound,
        .pid = start->pid,
        .stop_signal = record->stop_signal,
        .stop_timeout_usec = record->stop_timeout_usec,
        .properties = record->properties,
    };

    (void)error;
    berth_scopes_start(container->containers->scopes, &options, start_on_scope, start);
    return STEP_WAITS;
}

static void log_start(const BerthContainerRecord *record, bool restored) {
    if (restored)
        berth_log(LOG_INFO, BERTH_MESSAGE_CONTAINER_RESTORED, "BERTH_CONTAINER", record->id,
                  "Container %s restored from its checkpoint", record->id);
    else
        berth_log(LOG_INFO, BERTH_MESSAGE_CONTAINER_STARTED, "BERTH_CONTAINER", record->id,
                  "Container %s%s%s started for user %u", record->id,
                  record->image[0] ? " of image " : "", record->image, record->owner);
}

static bool start_check_goes_on(const Start *start, GError **error) {
    if (start->failure)
        g_propagate_error(error, g_error_copy(start->failure));
    return !start->failure;
}

/* Parts come first, so that their changes to the record are written with it. systemd receives the
 * pidfd before the container is recorded as running: recovery drops the pidfd of a container that
 * is not running, whereas without one the exit status could be lost. */
static StepResult start_step_record(Start *start, GError **error) {
    BerthProcess *first = start->process;
    BerthContainer *container = first->container;

    berth_container_forget_failure(container);
    /* After a stop, the record would say again that the container is wanted. */
    if (!start_check_goes_on(start, error) || !berth_parts_recording(container, error) ||
        !berth_process_keep(first, error) ||
        !berth_container_set_state(container, BERTH_CONTAINER_RUNNING, BERTH_STATUS_UNKNOWN, error))
        return STEP_FAILED;
    log_start(&container->record, start->steps == restore_steps);
    return STEP_DONE;
}

static StepResult start_step_record_executed(Start *start, GError **error) {
    BerthProcess *process = start->process;
    BerthProcessRecord *record = process->record;

    record->pid_start = berth_pid_get_start((pid_t)record->pid);
    record->boot = g_strdup(process->container->containers->boot);
    record->started_usec = (uint64_t)g_get_real_time();
    return berth_process_keep(process, error) && berth_process_record(process, "exec-added", error)
               ? STEP_DONE
               : STEP_FAILED;
}

/* A start that was cancelled before it had a process to kill fails here at the latest, before
 * anything of the command runs. */
static StepResult start_step_go_ahead(Start *start, GError **error) {
    return start_check_goes_on(start, error) && berth_launch_send_go_ahead(start->launch, error)
               ? STEP_WAITS
               : STEP_FAILED;
}

/* The command may have ended before its start is reported. The exit is recorded by then, and parts
 * see exited without started. */
static void finish_first(BerthContainer *container, const GError *error) {
    if (!error && berth_container_is_running(container))
        berth_parts_started(container);
    if (!error)
        return;
    /* systemd may just have created the scope for a process that was already gone. */
    berth_container_leave_cgroup(container);
    if (!berth_container_is_running(container))
        berth_parts_abandoned(container);
}

/* A process that was never created is removed, and its waiters receive the error. One that was
 * created and failed ends like any other, with an exit. */
static void finish_executed(BerthProcess *process, bool began, const GError *error) {
    g_autoptr(GError) local = NULL;

    if (!error && !berth_process_record(process, "exec-started", &local))
        berth_log_warning("BERTH_CONTAINER", process->record->container, "%s", local->message);
    if (!error || began)
        return;
    berth_process_fail_waiters(process, error);
    g_hash_table_remove(process->container->processes, process->record->id);
}

/* The start is freed first, so that parts and the caller see a container that is no longer
 * starting, and may plan the next start. */
static void start_finish(Start *start, const GError *failure) {
    g_autoptr(GError) error = failure ? g_error_copy(failure) : NULL;
    BerthProcess *process = start->process;
    BerthContainer *container = process->container;
    BerthContainerDone done = start->done;
    void *userdata = start->userdata;
    bool began = start->pid != 0;

    /* Before the start is freed, because only then a removal may delete the row. */
    if (error && process->kind == BERTH_PROCESS_FIRST)
        berth_container_note_failure(container, error);
    start_free(&start->base);
    if (process->kind == BERTH_PROCESS_FIRST)
        finish_first(container, error);
    else
        finish_executed(process, began, error);
    berth_parts_settled(container);
    done(error, userdata);
}

/* As long as there is a launch, it decides: a report that it has not read yet explains the end
 * better than the status does. */
static void start_settle(BerthStart *base, int status) {
    Start *start = (Start *)base;

    if (start->launch)
        berth_launch_set_exited(start->launch, status);
    else
        start_finish(start, start->failure);
}

/* The launch has created a process: the container's own, or the one that restores it. A restore
 * calls this twice; the pidfd of the restored process replaces that of berth-checkpoint. */
static void start_on_process(BerthLaunch *launch, pid_t pid, int pidfd, void *userdata) {
    Start *start = userdata;

    (void)launch;
    start->pid = (uint32_t)pid;
    berth_fd_clear(&start->pidfd);
    start->pidfd = pidfd;
    start_advance(start);
}

static void start_on_terminal(int master, void *userdata) {
    berth_parts_process_terminal(((Start *)userdata)->process, master);
}

/* The launch has ended, and frees itself after this returns. */
static void start_on_done(const GError *error, void *userdata) {
    Start *start = userdata;

    start->launch = NULL;
    if (error && !start->failure)
        start->failure = g_error_copy(error);
    /* A container whose start fails has ended, even if it never had a process. Its exit is recorded
     * like any other, and completes the start on the way. */
    if (error && start->pid == 0 && start->process->kind == BERTH_PROCESS_FIRST)
        berth_process_set_exited(start->process, STATUS_NOT_STARTED);
    else
        start_finish(start, error ? start->failure : NULL);
}

static bool start_begin(BerthProcess *process, const StartStep *steps,
                        const BerthLaunchRequest *request, BerthContainerDone done, void *userdata,
                        GError **error) {
    static const BerthLaunchCallbacks callbacks = {
        .process_created = start_on_process,
        .restored = start_on_process,
        .terminal = start_on_terminal,
        .done = start_on_done,
    };
    Start *start = g_new0(Start, 1);

    *start = (Start){
        .base = {start_settle, start_cancel, start_free},
        .process = process,
        .steps = steps,
        .next = steps,
        .pidfd = -1,
        .hold = berth_hold_new(BERTH_HOLD_START),
        .done = done,
        .userdata = userdata,
    };
    process->start = &start->base;
    start->launch = berth_launch_new(request, &callbacks, start, error);
    if (!start->launch)
        start_free(&start->base);
    /* If there is no launch, start_free() has reset it. */
    return process->start != NULL;
}

static BerthLaunchRequest make_request(const BerthContainer *container,
                                       const BerthContainerStreams *streams) {
    return (BerthLaunchRequest){
        .event = container->containers->event,
        .program = container->containers->program,
        .id = container->record.id,
        .input = streams->input,
        .output = streams->output,
        .error = streams->error,
        .descriptors = streams->descriptors,
        .descriptor_count = streams->count,
        .descriptor_names = streams->names,
        .snapshots = -1,
        BERTH_LAUNCH_NO_DESCRIPTORS,
    };
}

/* restorer is berth-checkpoint, or -1 to create the process anew. */
static bool start_first(BerthContainer *container, int restorer,
                        const BerthContainerStreams *streams, BerthContainerDone done,
                        void *userdata, GError **error) {
    BerthLaunchRequest request = make_request(container, streams);
    berth_autofd int config = -1, directory = -1, cgroup = -1, pod = -1;
    g_autoptr(GError) local = NULL;
    const StartStep *steps = restorer >= 0                               ? restore_steps
                             : berth_container_is_with_caller(container) ? create_with_caller_steps
                                                                         : create_steps;

    container->changes++;
    /* The slowest step is systemd's move of the process into the scope, which is a few milliseconds
     * away. The kernel is prepared for it meanwhile. */
    if (steps != create_with_caller_steps)
        berth_cgroup_expect_move();
    /* Before the parts begin the new run, because the terminals of both runs have the same names in
     * systemd's descriptor store. */
    berth_parts_process_dropped(container->first);
    pod = berth_container_open_pod(container, &local);
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    if (!berth_secrets_check(container, error) || !berth_parts_starting(container, error) ||
        !berth_container_open_files(container, &config, &directory, error))
        return false;
    /* Last, because no failure before this point would remove it. */
    cgroup = berth_container_make_cgroup(container, error);
    if (cgroup < 0 && berth_container_is_with_caller(container))
        return false;
    request.cgroup = cgroup;
    request.secrets = container->secrets;
    request.pod = pod;
    request.config = config;
    request.target = directory;
    request.snapshots =
        berth_snapshot_store_get_directory(container->containers->images->snapshots);
    request.mode = "create";
    if (restorer >= 0) {
        request.program = restorer;
        request.name = "berth-checkpoint";
        request.mode = "restore";
        request.kind = BERTH_LAUNCH_RESTORE;
    }
    if (start_begin(container->first, steps, &request, done, userdata, error))
        return true;
    if (cgroup >= 0)
        berth_container_leave_cgroup(container);
    return false;
}

static void start_or_answer(BerthContainer *container, int restorer,
                            const BerthContainerStreams *streams, BerthContainerDone done,
                            void *userdata) {
    g_autoptr(GError) error = NULL;

    if (start_first(container, restorer, streams, done, userdata, &error))
        return;
    berth_container_note_failure(container, error);
    berth_parts_abandoned(container);
    done(error, userdata);
    /* A set-up that cannot be compiled is a failed launch, like one that fails later. As in
     * end_container(), the caller is answered before anyone who waits for the end. */
    if (error->code == BERTH_ERROR_LAUNCH_FAILED)
        berth_process_set_exited(container->first, STATUS_NOT_STARTED);
}

bool berth_start_check(const BerthContainer *container, GError **error) {
    const BerthContainerRecord *record = &container->record;
    bool starting = berth_container_is_starting(container);

    if (!berth_parts_permit(container, BERTH_ACTION_START, error))
        return false;
    if (!starting && !berth_container_is_running(container))
        return berth_process_check_charge(record->owner, BERTH_PROCESS_FIRST, record->terminal,
                                          error);
    return berth_error_set(
        error, BERTH_ERROR_FAILED_PRECONDITION, "container \"%s\" cannot be started, it is %s",
        record->id, starting ? "being started" : berth_container_state_get_name(record->state));
}

void berth_container_start(BerthContainer *container, const BerthContainerStreams *streams,
                           BerthContainerDone done, void *userdata) {
    g_autoptr(GError) error = NULL;

    if (berth_start_check(container, &error))
        start_or_answer(container, -1, streams, done, userdata);
    else
        done(error, userdata);
}

void berth_start_restore(BerthContainer *container, int program,
                         const BerthContainerStreams *streams, BerthContainerDone done,
                         void *userdata) {
    start_or_answer(container, program, streams, done, userdata);
}

void berth_start_exec(BerthProcess *process, int config, const BerthContainerStreams *streams,
                      BerthContainerDone done, void *userdata) {
    BerthContainer *container = process->container;
    BerthLaunchRequest request = make_request(container, streams);
    g_autoptr(GError) error = NULL;

    request.mode = "exec";
    request.config = config;
    /* Only for the environment variables in them. If the secrets were lost this is -1, and the
     * process runs without them. */
    request.secrets = container->secrets;
    request.target = container->first->pidfd;
    /* Before it runs, so that of many simultaneous requests the limit refuses those beyond it. */
    berth_process_charge(process);
    if (start_begin(process, exec_steps, &request, done, userdata, &error))
        return;
    g_hash_table_remove(container->processes, process->record->id);
    done(error, userdata);
}
