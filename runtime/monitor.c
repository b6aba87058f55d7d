/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The monitor of a process. Its states are in the enum below, and runtime_monitor_run() lists its
 * steps. It holds the descriptors of create until the start, passes signals on, connects the
 * terminal, and exits with the status that Wait returns, even if the service is restarted in the
 * meantime.
 *
 * A detached monitor joins its container's namespaces, except the user and pid namespaces, so that
 * an engine that looks at /proc/PID finds the container's. From then on a path refers to the
 * container's files: nothing is opened any more, and the monitor exits with _exit(). It does not
 * join the pid namespace, in which it would be killed without learning the status, so nothing in
 * the container can see it.
 */

#include "monitor.h"

#include "base/fd.h"
#include "begin.h"
#include "console.h"
#include "guard.h"
#include "leftovers.h"
#include "log.h"
#include "monitor-socket.h"
#include "title.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-event.h>

/* Signals that do not end a container that has not been started. */
#define HARMLESS(signal)                                                                           \
    ((signal) == 0 || (signal) == SIGCHLD || (signal) == SIGCONT || (signal) == SIGURG ||          \
     (signal) == SIGWINCH)

/* As in shells: 128 plus the number of the signal. */
enum { KILLED = 128 };

typedef enum {
    MONITOR_PREPARING, /* nothing has been created yet */
    MONITOR_MADE,      /* the container exists, or existed before (exec) */
    MONITOR_WAITING,   /* for the start of a created container */
    MONITOR_RUNNING,
    MONITOR_ENDED, /* status is known */
} MonitorState;

typedef struct {
    const RuntimeJob *job;
    MonitorState state;
    sd_bus *bus;
    sd_event *event;
    RuntimeConsole *console;
    sd_event_source *retry; /* for a foreground monitor that has lost the bus */
    unsigned losses;
    int report, listener, guard;
    int status;
} Monitor;

static void monitor_end(Monitor *monitor, int status) {
    monitor->state = MONITOR_ENDED;
    monitor->status = status;
    (void)sd_event_exit(monitor->event, 0);
}

static bool monitor_call_wait(Monitor *monitor, GError **error);

static int monitor_retry_later(Monitor *monitor);

/* A closed connection is not reopened, and its slots are lost with it. */
static bool monitor_reconnect(Monitor *monitor) {
    sd_bus *bus = runtime_bus_open(NULL);

    if (!bus)
        return false;
    sd_bus_detach_event(monitor->bus);
    sd_bus_unref(monitor->bus);
    monitor->bus = bus;
    return sd_bus_attach_event(bus, monitor->event, SD_EVENT_PRIORITY_NORMAL) >= 0;
}

static int monitor_on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
    Monitor *monitor = userdata;

    (void)source, (void)usec;
    if ((sd_bus_is_open(monitor->bus) <= 0 && !monitor_reconnect(monitor)) ||
        !monitor_call_wait(monitor, NULL))
        return monitor_retry_later(monitor);
    return 0;
}

static int monitor_retry_later(Monitor *monitor) {
    uint64_t delay_usec = dist_absence_delay_usec(monitor->losses++);

    sd_event_source_disable_unref(monitor->retry);
    monitor->retry = NULL;
    return sd_event_add_time_relative(monitor->event, &monitor->retry, CLOCK_MONOTONIC, delay_usec,
                                      0, monitor_on_retry, monitor);
}

/* Foreground only: a detached monitor is in the container's mount namespace and cannot reach the
 * bus again. */
static bool monitor_has_lost_bus(const Monitor *monitor, sd_bus_message *reply) {
    return monitor->report < 0 &&
           (sd_bus_is_open(monitor->bus) <= 0 || dist_reply_is_absence(reply));
}

static bool monitor_record_pid(const Monitor *monitor, pid_t first, GError **error);

/* The service died between recording the start and the go-ahead: the command has never run. If this
 * Start is lost as well, Wait tells what became of it. */
static bool monitor_start_again(Monitor *monitor, GError **error) {
    g_autoptr(GError) local = NULL;
    pid_t pid;

    if (runtime_job_start(monitor->bus, monitor->job, &pid, &local)) {
        if (!monitor_record_pid(monitor, pid, error))
            return false;
    } else if (!runtime_call_was_lost(local)) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    return monitor_call_wait(monitor, error);
}

/* Wait is called again if the service was restarted before it replied, and in the foreground also
 * if the bus was. Any other failure ends the monitor as if the process had been killed: the engine
 * must see an end. If the process still runs, the guard kills it, since its pipe is closed without
 * a byte. */
static int monitor_on_waited(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Monitor *monitor = userdata;
    g_autoptr(GError) reason = NULL;
    uint64_t exited;
    int32_t status;

    (void)error;
    if (monitor->state == MONITOR_ENDED)
        return 0;
    /* The service still knows every exit status after a restart. */
    if (dist_reply_was_lost(reply) && monitor_call_wait(monitor, &reason))
        return 0;
    if (monitor_has_lost_bus(monitor, reply) && monitor_retry_later(monitor) >= 0)
        return 0;
    if (!reason && runtime_call_check(reply, &reason)) {
        int r = sd_bus_message_read(reply, "it", &status, &exited);
        if (r >= 0 && status >= 0) {
            monitor_end(monitor, status);
            return 0;
        }
        if (r < 0)
            runtime_call_malformed(r, &reason);
        else
            berth_error_set(&reason, BERTH_ERROR_INTERNAL, "its exit status is unknown");
    }
    if (monitor->job->kind == RUNTIME_JOB_RUN && monitor->report < 0 &&
        g_error_matches(reason, BERTH_ERROR, BERTH_ERROR_LAUNCH_FAILED)) {
        g_clear_error(&reason);
        if (monitor_start_again(monitor, &reason))
            return 0;
    }
    /* A container that is deleted is killed first. */
    if (!g_error_matches(reason, BERTH_ERROR, BERTH_ERROR_NOT_FOUND)) {
        runtime_log(RUNTIME_LOG_WARNING, "container %s: %s", monitor->job->record->id,
                    reason->message);
        berth_fd_clear(&monitor->guard);
    }
    monitor_end(monitor, KILLED + SIGKILL);
    return 0;
}

static bool monitor_call_wait(Monitor *monitor, GError **error) {
    int r = sd_bus_call_method_async(monitor->bus, NULL, DIST_DESTINATION, DIST_CONTAINERS, "Wait",
                                     monitor_on_waited, monitor, "ssa{sv}",
                                     monitor->job->record->berth_id, monitor->job->process, 0);

    return r >= 0 || runtime_call_malformed(r, error);
}

static void monitor_pass_signal(Monitor *monitor, int number) {
    (void)sd_bus_call_method_async(monitor->bus, NULL, DIST_DESTINATION, DIST_CONTAINERS, "Kill",
                                   NULL, NULL, "sia{sv}", monitor->job->record->berth_id,
                                   (int32_t)number, 1, "Process", "s", monitor->job->process);
}

/* A created container has no process yet that a signal could end: it is deleted instead. */
static bool monitor_kill_created(Monitor *monitor, int number, GError **error) {
    if (HARMLESS(number))
        return true;
    g_autoptr(sd_bus_message) reply =
        runtime_call(monitor->bus, error, "Delete", "sa{sv}", monitor->job->record->berth_id, 0);
    if (!reply)
        return false;
    monitor_end(monitor, KILLED + number);
    return true;
}

static int monitor_on_signal(sd_event_source *source, const struct signalfd_siginfo *info,
                             void *userdata) {
    Monitor *monitor = userdata;

    (void)source;
    if (info->ssi_signo == SIGWINCH) {
        if (monitor->console)
            runtime_console_resize(monitor->console);
        return 0;
    }
    /* The kernel itself sends SIGHUP when the terminal that was sent to the engine hangs up: the
     * engine has left, which does not concern the container. */
    if (info->ssi_signo == SIGHUP && info->ssi_code == SI_KERNEL && monitor->report >= 0)
        return 0;
    if (monitor->state == MONITOR_WAITING)
        (void)monitor_kill_created(monitor, (int)info->ssi_signo, NULL);
    else
        monitor_pass_signal(monitor, (int)info->ssi_signo);
    return 0;
}

/* Signals are blocked from the beginning, so that one that arrives before the loop runs is queued,
 * not lost. */
static bool monitor_watch_signals(Monitor *monitor, GError **error) {
    static const int passed[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
                                 SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};
    sigset_t set;
    int r = 0;

    sigemptyset(&set);
    for (size_t i = 0; i < G_N_ELEMENTS(passed); i++)
        sigaddset(&set, passed[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    /* Writing to a terminal that has hung up is no reason to exit. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGTTOU, SIG_IGN);
    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(passed); i++)
        r = sd_event_add_signal(monitor->event, NULL, passed[i], monitor_on_signal, monitor);
    return r >= 0 || berth_error_set_errno(error, r, "watch signals");
}

static bool monitor_connect(Monitor *monitor, GError **error) {
    int r = sd_event_new(&monitor->event);

    if (r < 0)
        return berth_error_set_errno(error, r, "make an event loop");
    if (!monitor_watch_signals(monitor, error))
        return false;
    monitor->bus = runtime_bus_open(error);
    if (!monitor->bus)
        return false;
    r = sd_bus_attach_event(monitor->bus, monitor->event, SD_EVENT_PRIORITY_NORMAL);
    return r >= 0 || berth_error_set_errno(error, r, "watch the connection to the system bus");
}

static bool monitor_open_console(Monitor *monitor, GError **error) {
    const RuntimeJob *job = monitor->job;

    if (!job->terminal)
        return true;
    monitor->console = job->console_socket ? runtime_console_send(job->console_socket, error)
                                           : runtime_console_use_own(error);
    return monitor->console != NULL;
}

static bool monitor_join_console(Monitor *monitor, GError **error) {
    if (!monitor->console)
        return true;
    int fd = runtime_job_open_terminal(monitor->bus, monitor->job, error);
    return fd >= 0 && runtime_console_join(monitor->console, monitor->event, fd, error);
}

/* Without the privileges for joining them, an engine finds this process's own namespaces. */
static void monitor_join_namespaces(const Monitor *monitor) {
    int fd;
    g_autoptr(sd_bus_message) reply =
        runtime_call(monitor->bus, NULL, "OpenProcess", "ssa{sv}", monitor->job->record->berth_id,
                     monitor->job->process, 0);

    if (reply && sd_bus_message_read(reply, "h", &fd) >= 0 &&
        setns(fd, CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) < 0)
        runtime_log(RUNTIME_LOG_DEBUG, "join the namespaces of %s: %s", monitor->job->record->id,
                    strerror(errno));
}

static bool monitor_write_pid(const RuntimeJob *job, pid_t pid, GError **error) {
    g_autofree char *text = g_strdup_printf("%d", (int)pid);

    return !job->pid_file || g_file_set_contents_full(job->pid_file, text, -1,
                                                      G_FILE_SET_CONTENTS_CONSISTENT, 0644, error);
}

/* Writes the record and the file of --pid-file, which names the process that an engine waits for.
 */
static bool monitor_record_pid(const Monitor *monitor, pid_t first, GError **error) {
    RuntimeRecord *record = monitor->job->record;
    bool detached = monitor->report >= 0;
    pid_t pid = detached ? getpid() : first;

    if (monitor->job->kind != RUNTIME_JOB_EXEC) {
        record->pid = pid;
        record->pid_start = runtime_process_get_start(pid);
        record->monitored = detached;
        if (!runtime_record_write(record, error))
            return false;
    }
    return monitor_write_pid(monitor->job, pid, error);
}

/* Sends the result to the process that waits for it (run-job.c), once; the engine then continues.
 */
static void monitor_report_result(Monitor *monitor, int status, const GError *reason) {
    const char *text = reason ? reason->message : "";

    if (monitor->report < 0)
        return;
    g_autofree char *whole = g_strdup_printf("%c%s", status, text);
    (void)berth_fd_write_all(monitor->report, whole, strlen(text) + 1);
    close(monitor->report);
    /* No longer a descriptor, but still marks this monitor as detached. */
    monitor->report = INT_MAX;
}

static bool monitor_start(Monitor *monitor, pid_t *pid, GError **error) {
    bool made = false;
    bool started = monitor->job->kind == RUNTIME_JOB_RUN
                       ? runtime_begin(monitor->bus, monitor->job, &made, pid, error)
                       : runtime_job_start(monitor->bus, monitor->job, pid, error);

    if (made)
        monitor->state = MONITOR_MADE;
    if (!started)
        return false;
    monitor->state = MONITOR_RUNNING;
    if (monitor->report >= 0) {
        g_autofree char *title = g_strdup_printf("berth-runtime monitor %s %s",
                                                 monitor->job->record->id, monitor->job->process);
        runtime_title_set(g_strchomp(title));
    }
    return monitor_join_console(monitor, error);
}

/* After this, no path on the host may be used (see the top of this file). */
static void monitor_settle(Monitor *monitor) {
    if (monitor->report < 0)
        return;
    runtime_inherited_release(monitor->job->preserved);
    if (monitor->job->kind != RUNTIME_JOB_EXEC)
        monitor_join_namespaces(monitor);
}

/* Handles requests to start or kill a created container (monitor-socket.c). The reply is sent last,
 * when the container runs or has failed, since the caller then exits with it. */
static int monitor_on_connection(sd_event_source *source, int listener, uint32_t events,
                                 void *userdata) {
    Monitor *monitor = userdata;
    g_autoptr(GError) error = NULL;
    RuntimeMonitorRequest request;
    int number;
    pid_t pid;

    (void)source, (void)events;
    berth_autofd int connection = runtime_monitor_socket_accept(listener, &request, &number);
    if (connection < 0)
        return 0;
    if (monitor->state != MONITOR_WAITING)
        berth_error_set(&error, BERTH_ERROR_FAILED_PRECONDITION,
                        "container %s is not waiting to be started", monitor->job->record->id);
    else if (request == RUNTIME_MONITOR_KILL)
        (void)monitor_kill_created(monitor, number, &error);
    else {
        bool started = monitor_start(monitor, &pid, &error);
        runtime_monitor_socket_remove(monitor->job->record);
        if (started)
            monitor_settle(monitor);
        else
            /* For a command that could not be executed, Wait still returns a status. */
            monitor->state = MONITOR_RUNNING;
    }
    runtime_monitor_socket_answer(connection, error);
    return 0;
}

static bool monitor_open_socket(Monitor *monitor, GError **error) {
    monitor->listener = runtime_monitor_socket_open(monitor->job->record, error);
    if (monitor->listener < 0)
        return false;
    int r = sd_event_add_io(monitor->event, NULL, monitor->listener, EPOLLIN, monitor_on_connection,
                            monitor);
    if (r < 0)
        return berth_error_set_errno(error, r, "watch the socket of %s", monitor->job->record->id);
    monitor->state = MONITOR_WAITING;
    return true;
}

static bool monitor_begin(Monitor *monitor, GError **error) {
    const RuntimeJob *job = monitor->job;
    pid_t pid = 0;

    if (!monitor_connect(monitor, error) || !monitor_open_console(monitor, error))
        return false;
    if (runtime_job_makes(job))
        runtime_leftovers_remove(monitor->bus, job->record);
    if (job->kind == RUNTIME_JOB_CREATE && !runtime_job_create(monitor->bus, job, error))
        return false;
    /* A container of "run" is created together with its start. */
    if (job->kind != RUNTIME_JOB_RUN)
        monitor->state = MONITOR_MADE;
    if (job->kind == RUNTIME_JOB_CREATE)
        /* A Wait called before the start returns after the exit that follows it. */
        return monitor_open_socket(monitor, error) && monitor_call_wait(monitor, error) &&
               monitor_record_pid(monitor, 0, error);
    return monitor_start(monitor, &pid, error) && monitor_record_pid(monitor, pid, error) &&
           monitor_call_wait(monitor, error);
}

/* A command that could not be executed has an exit status, too. */
static int monitor_find_failure(const Monitor *monitor, const GError *reason) {
    uint64_t exited;
    int32_t status;

    if (!monitor->bus || !g_error_matches(reason, BERTH_ERROR, BERTH_ERROR_LAUNCH_FAILED))
        return runtime_job_failure(monitor->job);
    g_autoptr(sd_bus_message) reply =
        runtime_call(monitor->bus, NULL, "Wait", "ssa{sv}", monitor->job->record->berth_id,
                     monitor->job->process, 0);
    if (!reply || sd_bus_message_read(reply, "it", &status, &exited) < 0 || status <= 0)
        return runtime_job_failure(monitor->job);
    return status;
}

/* Removes the container and record of a job that failed to begin, or has ended in the foreground.
 */
static void monitor_remove(const Monitor *monitor) {
    g_autoptr(sd_bus_message) reply = NULL;

    if (!runtime_job_makes(monitor->job))
        return;
    if (monitor->state != MONITOR_PREPARING)
        reply = runtime_call_until_answered(monitor->bus, NULL, "Delete", "sa{sv}",
                                            monitor->job->record->berth_id, 1, "Force", "b", 1);
    runtime_record_remove(monitor->job->record);
}

/* Dismisses the guard before exiting: if it found the pipe closed without a byte, it would kill the
 * container's process. */
static void monitor_close(Monitor *monitor) {
    g_clear_pointer(&monitor->console, runtime_console_free);
    runtime_guard_dismiss(monitor->guard);
    if (monitor->bus)
        sd_bus_flush_close_unref(monitor->bus);
    sd_event_source_disable_unref(monitor->retry);
    sd_event_unref(monitor->event);
}

int runtime_monitor_run(const RuntimeJob *job, int report, GError **error) {
    Monitor monitor = {.job = job, .report = report, .listener = -1, .guard = -1};
    g_autoptr(GError) reason = NULL;

    if (report >= 0)
        monitor.guard = runtime_guard_start(job->record->berth_id, job->process, &reason);
    if (reason || !monitor_begin(&monitor, &reason)) {
        monitor.status = monitor_find_failure(&monitor, reason);
        /* Reports before closing: a guard that remains kills whatever still runs. */
        monitor_remove(&monitor);
        monitor_report_result(&monitor, monitor.status, reason);
        if (report < 0)
            g_propagate_error(error, g_steal_pointer(&reason));
        monitor_close(&monitor);
        return monitor.status;
    }
    monitor_report_result(&monitor, 0, NULL);
    if (job->kind != RUNTIME_JOB_CREATE)
        monitor_settle(&monitor);
    else if (job->terminal)
        /* The container has a terminal, so it gets none of the streams, whose readers may wait for
         * their end. */
        runtime_inherited_release(job->preserved);
    (void)sd_event_loop(monitor.event);
    if (report < 0 && !job->keep)
        monitor_remove(&monitor);
    monitor_close(&monitor);
    return monitor.status;
}
