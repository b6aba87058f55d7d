/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A process of a container in the foreground: one event loop that starts the process if requested,
 * waits for its exit, shows its terminal or journal, and passes signals on. The loop ends when Wait
 * has returned, with the detach keys, at the third Ctrl-C, or with the first error. The
 * ForegroundRun owns the terminal, the journal and the replies; the request is the caller's. Its
 * state goes from CREATING, which is skipped if the container exists already, to STARTING and
 * RUNNING; a process that could not be started stays in STARTING. If the service is killed before
 * it replies to Start, the state is LOST until the restarted service has said what became of it;
 * only a command that has never run is started again. Create, Start, Wait and Attach
 * are under way at the same time, so each callback must consider which of the others have been
 * answered.
 */

#include "client/foreground.h"

#include "base/fd.h"
#include "client/bus.h"
#include "client/containers.h"
#include "client/journal.h"
#include "client/last-exit.h"
#include "client/pods.h"
#include "client/signals.h"
#include "client/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* At the third Ctrl-C, dist leaves a container that does not stop. */
enum { MAX_INTERRUPTS = 3 };

typedef enum {
    FOREGROUND_CREATING, /* Create has not returned yet */
    FOREGROUND_STARTING, /* Start has not returned yet, or has failed */
    FOREGROUND_LOST,     /* the reply to Start is lost */
    FOREGROUND_RUNNING,  /* Start has succeeded, or the process was running already */
} ForegroundState;

/* Why the loop ended. */
typedef enum {
    EXIT_PROCESS_ENDED,
    EXIT_DETACHED,
    EXIT_INTERRUPTED, /* by the third Ctrl-C, or by any signal if none is passed on */
} ForegroundExit;

/* Whether dist itself has asked the service to stop the container, and why. */
typedef enum {
    STOP_NOT_REQUESTED,
    STOP_FOR_UNIT,    /* dist's unit is being stopped */
    STOP_NEVER_READY, /* killed: there is no health check that could make it ready */
} StopRequest;

typedef struct {
    const DistForeground *request;
    ForegroundState state;
    ForegroundExit exit;
    sd_bus *bus;
    sd_event *event;
    DistTerminal *terminal;
    DistJournal *journal;
    sd_bus_message *waited; /* the reply to Wait */
    GError *error;
    /* Freeing a slot cancels its call, so no callback runs with a ForegroundRun that is gone. */
    sd_bus_slot *create, *start, *waiting;
    sd_bus_slot *attach;  /* unlike the others, NULL once Attach has been answered */
    unsigned interrupts;  /* Ctrl-C so far */
    int interrupted_by;   /* the signal of EXIT_INTERRUPTED */
    GError *attach_error; /* reported only if the process runs */
    sd_event_source *retry;
    unsigned absences; /* how often dist has had to wait for the service or the bus to come back */
    bool waits_after_start; /* Wait and Attach follow the reply to Start */
    StopRequest stop;
    DistReadiness *readiness;
} ForegroundRun;

static int foreground_retry_later(ForegroundRun *run);
static int ask_for_terminal(ForegroundRun *run);
static int foreground_start_again(ForegroundRun *run, bool wait_first);

/* The bus reports lost calls in any order. Only the result of Create counts, and that call was
 * lost, too. */
static bool was_lost_with_create(const ForegroundRun *run, sd_bus_message *reply) {
    return run->state == FOREGROUND_CREATING && dist_reply_was_lost(reply);
}

/* Of a container that was started before, the state does not show whether it has run again; and an
 * executed process does not exist before the reply to Exec. */
static bool start_is_recoverable(const ForegroundRun *run) {
    return run->request->start && !run->request->process[0] && !run->request->wait_after_start &&
           !run->request->pod;
}

/* The same for Start, which was lost together with Wait. */
static bool was_lost_with_start(const ForegroundRun *run, sd_bus_message *reply) {
    return run->state == FOREGROUND_STARTING && !run->error && start_is_recoverable(run) &&
           dist_reply_is_absence(reply);
}

/* The service has recorded a start whose command it had no time to release before it was killed. */
static bool has_never_run(const ForegroundRun *run, sd_bus_message *waited) {
    return run->absences > 0 && start_is_recoverable(run) &&
           sd_bus_message_is_method_error(waited, BERTH_ERROR_PREFIX "LaunchFailed");
}

/* While nothing is asked of the service, the process runs well without it; a stop needs it. If it
 * cannot be started, systemd ends the processes in the cgroup of dist's unit after dist. */
static bool foreground_cannot_stop(ForegroundRun *run, sd_bus_message *reply) {
    if (run->stop != STOP_FOR_UNIT || !dist_reply_is_refused_start(reply))
        return false;
    dist_check_reply(reply, &run->error);
    g_prefix_error(&run->error, _("cannot stop %s: "), run->request->id);
    return true;
}

static int foreground_on_waited(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    ForegroundRun *run = userdata;

    (void)error;
    if (was_lost_with_create(run, reply) || was_lost_with_start(run, reply))
        return 0;
    if (has_never_run(run, reply))
        return foreground_start_again(run, false);
    if (foreground_cannot_stop(run, reply))
        return sd_event_exit(run->event, 0);
    if (run->state == FOREGROUND_RUNNING && dist_reply_is_absence(reply))
        return foreground_retry_later(run);
    run->waited = sd_bus_message_ref(reply);
    /* Until Attach has been answered, the last output has not been shown: its callback ends the
     * loop. */
    return run->attach ? 0 : sd_event_exit(run->event, 0);
}

/* A call that is still under way is cancelled: two replies would end the loop twice. */
static int foreground_call_wait(ForegroundRun *run) {
    run->waiting = sd_bus_slot_unref(run->waiting);
    if (run->request->pod)
        return sd_bus_call_method_async(run->bus, &run->waiting, DIST_DESTINATION, DIST_PODS,
                                        "Wait", foreground_on_waited, run, "sa{sv}",
                                        run->request->id, 0);
    return sd_bus_call_method_async(run->bus, &run->waiting, DIST_DESTINATION, DIST_CONTAINERS,
                                    "Wait", foreground_on_waited, run, "ssa{sv}", run->request->id,
                                    run->request->process, 0);
}

/* The container has no health checks, so a unit that waits for them would only reach its time-out.
 */
static void foreground_on_never_ready(void *userdata) {
    ForegroundRun *run = userdata;

    if (run->stop == STOP_NEVER_READY)
        return;
    run->stop = STOP_NEVER_READY;
    (void)sd_bus_call_method_async(run->bus, NULL, DIST_DESTINATION, DIST_CONTAINERS, "Kill", NULL,
                                   NULL, "sia{sv}", run->request->id, (int32_t)SIGKILL, 1, "All",
                                   "b", 1);
}

/* If the service cannot be reached now, foreground_on_retry() asks it later. */
static void foreground_call_stop(ForegroundRun *run) {
    if (run->bus && run->request->pod)
        (void)sd_bus_call_method_async(run->bus, NULL, DIST_DESTINATION, DIST_PODS, "Stop", NULL,
                                       NULL, "sa{sv}", run->request->id, 0);
    else if (run->bus)
        (void)sd_bus_call_method_async(run->bus, NULL, DIST_DESTINATION, DIST_CONTAINERS, "Stop",
                                       NULL, NULL, "sa{sv}", run->request->id, 0);
}

/* A closed connection is not reopened, so it is replaced. The bus may take a while to come back. */
static int foreground_reconnect(ForegroundRun *run) {
    if (run->bus && sd_bus_is_open(run->bus) > 0)
        return 0;
    run->waiting = sd_bus_slot_unref(run->waiting);
    if (run->bus)
        sd_bus_detach_event(run->bus);
    run->bus = dist_bus_reconnect(NULL);
    return run->bus ? sd_bus_attach_event(run->bus, run->event, 0) : -ENOTCONN;
}

/* The service is back. A container that it has deleted meanwhile has ended: Wait fails, and the end
 * is among the events. */
static int foreground_on_got(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    ForegroundRun *run = userdata;

    (void)error;
    if (foreground_cannot_stop(run, reply))
        return sd_event_exit(run->event, 0);
    if (dist_reply_is_absence(reply))
        return foreground_retry_later(run);
    g_autoptr(DistContainer) container =
        sd_bus_message_is_method_error(reply, NULL) ? NULL : dist_container_read(reply, NULL);
    if (container && container->state == DIST_CONTAINER_CREATED)
        return foreground_start_again(run, true);
    run->state = FOREGROUND_RUNNING;
    if (container && container->state != DIST_CONTAINER_STOPPED) {
        if (!dist_write_pid_file(container->pid, run->request->pid_file, &run->error))
            return sd_event_exit(run->event, 0);
        dist_readiness_started(run->readiness);
    }
    int r = run->request->view == DIST_SHOWS_TERMINAL && !run->terminal ? ask_for_terminal(run) : 0;
    return r < 0 ? r : foreground_call_wait(run);
}

static int foreground_call_get(ForegroundRun *run) {
    run->start = sd_bus_slot_unref(run->start);
    return sd_bus_call_method_async(run->bus, &run->start, DIST_DESTINATION, DIST_CONTAINERS, "Get",
                                    foreground_on_got, run, "sa{sv}", run->request->id, 0);
}

/* A stop request may have been lost with the service, so it is repeated. */
static int foreground_on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
    ForegroundRun *run = userdata;

    (void)source;
    (void)usec;
    if (foreground_reconnect(run) < 0 ||
        (run->state == FOREGROUND_LOST ? foreground_call_get(run) : foreground_call_wait(run)) < 0)
        return foreground_retry_later(run);
    if (run->readiness)
        dist_readiness_returned(run->readiness, run->bus);
    if (run->stop == STOP_FOR_UNIT)
        foreground_call_stop(run);
    return 0;
}

static int foreground_retry_later(ForegroundRun *run) {
    uint64_t delay_usec = dist_absence_delay_usec(run->absences++);

    sd_event_source_disable_unref(run->retry);
    run->retry = NULL;
    return sd_event_add_time_relative(run->event, &run->retry, CLOCK_MONOTONIC, delay_usec, 0,
                                      foreground_on_retry, run);
}

static void send_size(ForegroundRun *run) {
    uint32_t rows, columns;

    if (run->bus && run->terminal && dist_terminal_get_size(&rows, &columns))
        (void)sd_bus_call_method_async(run->bus, NULL, DIST_DESTINATION, DIST_CONTAINERS, "Resize",
                                       NULL, NULL, "ssuua{sv}", run->request->id,
                                       run->request->process, rows, columns, 0);
}

static void foreground_on_detached(void *userdata) {
    ForegroundRun *run = userdata;

    run->exit = EXIT_DETACHED;
    sd_event_exit(run->event, 0);
}

/* Attach has failed. This is an error only if the process runs: if it could not be started, the
 * reply to Start has the reason and Wait the status. */
static int give_up_without_terminal(ForegroundRun *run) {
    bool running = run->state == FOREGROUND_RUNNING;

    if (run->attach_error && !run->waited && running && !run->error)
        run->error = g_steal_pointer(&run->attach_error);
    return run->waited || (run->error && running) ? sd_event_exit(run->event, 0) : 0;
}

static int foreground_on_terminal(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    ForegroundRun *run = userdata;
    DistAttachment attachment;
    int master, screen, bell;

    (void)error;
    run->attach = sd_bus_slot_unref(run->attach);
    if (!dist_check_reply(reply, &run->attach_error))
        return give_up_without_terminal(run);
    int r = sd_bus_message_read(reply, "hhh", &master, &screen, &bell);
    if (r < 0) {
        dist_bad_reply(r, &run->attach_error);
        return give_up_without_terminal(run);
    }
    /* The reply closes its descriptors when it is freed. */
    attachment.master = fcntl(master, F_DUPFD_CLOEXEC, 3);
    attachment.screen = fcntl(screen, F_DUPFD_CLOEXEC, 3);
    attachment.bell = fcntl(bell, F_DUPFD_CLOEXEC, 3);
    run->terminal = dist_terminal_join(run->event, &attachment, run->request->detach_keys,
                                       foreground_on_detached, run, &run->attach_error);
    if (!run->terminal)
        return give_up_without_terminal(run);
    if (run->waited)
        return sd_event_exit(run->event, 0);
    send_size(run);
    return 0;
}

static int ask_for_terminal(ForegroundRun *run) {
    return sd_bus_call_method_async(run->bus, &run->attach, DIST_DESTINATION, DIST_CONTAINERS,
                                    "Attach", foreground_on_terminal, run, "ssa{sv}",
                                    run->request->id, run->request->process, 0);
}

static int foreground_on_started(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    ForegroundRun *run = userdata;
    int r = 0;

    (void)error;
    if (was_lost_with_create(run, reply))
        return 0;
    if (was_lost_with_start(run, reply)) {
        run->state = FOREGROUND_LOST;
        /* Lost as well, but not necessarily reported yet. */
        run->waiting = sd_bus_slot_unref(run->waiting);
        return foreground_retry_later(run);
    }
    bool good = dist_check_reply(reply, &run->error);
    /* A command that could not be executed has an exit status as well, which Wait returns. */
    bool ended = !good && run->error->code == BERTH_ERROR_LAUNCH_FAILED;
    if (!good && !ended)
        return sd_event_exit(run->event, 0);
    if (good)
        run->state = FOREGROUND_RUNNING;
    if (good && !dist_write_pid(reply, run->request->pid_file, &run->error))
        return sd_event_exit(run->event, 0);
    /* For a unit of Type=notify (systemd.service(5)). */
    if (good)
        dist_readiness_started(run->readiness);
    /* An earlier stop request may have been refused, since nothing was running yet. */
    if (good && run->stop == STOP_FOR_UNIT)
        foreground_call_stop(run);
    /* The reply to Attach came first. */
    if (good && run->attach_error)
        return give_up_without_terminal(run);
    if (good && run->request->view == DIST_SHOWS_TERMINAL && run->waits_after_start &&
        (r = ask_for_terminal(run)) < 0)
        return r;
    return run->waits_after_start ? foreground_call_wait(run) : 0;
}

static int foreground_call_start(ForegroundRun *run, sd_bus_message *start) {
    run->start = sd_bus_slot_unref(run->start);
    return sd_bus_call_async(run->bus, &run->start, start, foreground_on_started, run, UINT64_MAX);
}

/* A container that has ended is waited for once it runs again: Wait would return at once. */
static int foreground_start_again(ForegroundRun *run, bool wait_first) {
    g_autoptr(sd_bus_message) start = NULL;
    int r;

    run->state = FOREGROUND_STARTING;
    run->waits_after_start = !wait_first;
    if ((r = dist_copy_call(run->bus, run->request->start, &start)) < 0 ||
        (wait_first && (r = foreground_call_wait(run)) < 0) ||
        (wait_first && run->request->view == DIST_SHOWS_TERMINAL && !run->terminal &&
         (r = ask_for_terminal(run)) < 0))
        return r;
    return foreground_call_start(run, start);
}

/* The calls that follow are queued behind Create by the service and fail if it fails; its error is
 * the one to report. */
static int foreground_on_created(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    ForegroundRun *run = userdata;

    (void)error;
    *run->request->creation = dist_creation_read(reply, &run->error);
    if (*run->request->creation != DIST_CREATION_DONE)
        return sd_event_exit(run->event, 0);
    run->state = FOREGROUND_STARTING;
    return 0;
}

/* A signal sent to dist is passed to the process; a new window size is passed to its terminal. */
static int foreground_on_signal(sd_event_source *source, const struct signalfd_siginfo *info,
                                void *userdata) {
    ForegroundRun *run = userdata;
    DistForegroundSignals use = run->request->signals;

    (void)source;
    if (info->ssi_signo == SIGWINCH) {
        send_size(run);
        return 0;
    }
    /* Nothing has been created yet: the signal ends dist, and its pending calls with it. */
    if (run->state == FOREGROUND_CREATING)
        dist_end_by_signal((int)info->ssi_signo);
    /* The process ignores SIGINT or takes long to exit: leave it running. */
    if (use == DIST_SIGNALS_KEPT ||
        (info->ssi_signo == SIGINT && ++run->interrupts == MAX_INTERRUPTS)) {
        run->interrupted_by = (int)info->ssi_signo;
        run->exit = EXIT_INTERRUPTED;
        return sd_event_exit(run->event, 0);
    }
    /* The service sends the container's own stop signal, and SIGKILL after its time-out. */
    if (use == DIST_SIGNALS_STOP ||
        (use == DIST_SIGNALS_PASSED_IN_UNIT && info->ssi_signo == SIGTERM)) {
        if (run->stop == STOP_NOT_REQUESTED)
            run->stop = STOP_FOR_UNIT;
        foreground_call_stop(run);
    } else if (run->bus) {
        (void)sd_bus_call_method_async(
            run->bus, NULL, DIST_DESTINATION, DIST_CONTAINERS, "Kill", NULL, NULL, "sia{sv}",
            run->request->id, (int32_t)info->ssi_signo, 1, "Process", "s", run->request->process);
    }
    return 0;
}

/* Signals are not passed to a process that dist did not start: without a callback,
 * sd_event_add_signal(3) ends the loop. It requires the signals to be blocked first. */
static int foreground_watch_signals(ForegroundRun *run) {
    static const int forwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH};
    sigset_t set;
    int r = 0;

    sigemptyset(&set);
    for (size_t i = 0; i < G_N_ELEMENTS(forwarded); i++)
        sigaddset(&set, forwarded[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(forwarded); i++)
        r = sd_event_add_signal(
            run->event, NULL, forwarded[i],
            run->request->start || forwarded[i] == SIGWINCH ? foreground_on_signal : NULL, run);
    return r;
}

/* Wait and Attach are called before Start: a container that is deleted when it exits (AutoRemove)
 * may be gone by the time of a later call. With wait_after_start they follow Start, since Wait
 * would otherwise return at once, with the status of the previous run. Returns 1, 0 if run->error
 * is set, or a negative errno. */
static int foreground_send_calls(ForegroundRun *run) {
    const DistForeground *request = run->request;
    int r;

    if ((request->create && (r = sd_bus_call_async(run->bus, &run->create, request->create,
                                                   foreground_on_created, run, UINT64_MAX)) < 0) ||
        (!request->wait_after_start && (r = foreground_call_wait(run)) < 0))
        return r;
    if (request->view == DIST_SHOWS_TERMINAL && !request->wait_after_start &&
        (r = ask_for_terminal(run)) < 0)
        return r;
    if (request->view == DIST_SHOWS_JOURNAL &&
        !(run->journal = dist_journal_follow(run->event, request->id, &run->error)))
        return 0;
    if (request->start && (r = foreground_call_start(run, request->start)) < 0)
        return r;
    return 1;
}

static int foreground_run(ForegroundRun *run) {
    const DistForeground *request = run->request;
    int r;

    if ((r = sd_event_default(&run->event)) < 0 || (r = foreground_watch_signals(run)) < 0 ||
        (r = sd_bus_attach_event(run->bus, run->event, 0)) < 0)
        return r;
    run->readiness = dist_readiness_new(run->event, run->bus, request->id, request->notify);
    dist_readiness_on_impossible(run->readiness, foreground_on_never_ready, run);
    /* sd_watchdog_enabled(3): pings systemd for as long as this loop runs. A container that sends
     * its own notifications also serves the watchdog. */
    if (request->notify != DIST_NOTIFY_CONTAINER &&
        (r = sd_event_set_watchdog(run->event, true)) < 0)
        return r;
    run->state = request->create  ? FOREGROUND_CREATING
                 : request->start ? FOREGROUND_STARTING
                                  : FOREGROUND_RUNNING;
    int prompts = sd_bus_get_allow_interactive_authorization(run->bus);
    run->waits_after_start = request->wait_after_start;
    /* The creator may make the calls that follow Create without a further authorization. If Create
     * fails before they reach the service, they name a container that does not exist, about which
     * an agent would ask for a password. */
    if (request->create) {
        (void)sd_bus_set_allow_interactive_authorization(run->bus, false);
        (void)sd_bus_message_set_allow_interactive_authorization(request->start, false);
    }
    r = foreground_send_calls(run);
    (void)sd_bus_set_allow_interactive_authorization(run->bus, prompts > 0);
    if (r <= 0)
        return r;
    return sd_event_loop(run->event);
}

/* A container that deletes itself may have been removed while the service was away. */
static int foreground_read_end(const ForegroundRun *run, sd_bus_message *waited, GError **error) {
    const DistForeground *request = run->request;
    g_autoptr(GError) local = NULL;
    int status;

    if (run->stop == STOP_NEVER_READY)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               _("--notify=healthy: container %s has no health check"),
                               request->id),
               DIST_EXIT_BERTH;
    if (dist_check_reply(waited, &local))
        return dist_read_status(waited, request->id, error);
    if (run->absences > 0 && g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND))
        return dist_find_last_exit(request->id, request->process, &status, error) ? status
                                                                                  : DIST_EXIT_BERTH;
    g_propagate_error(error, g_steal_pointer(&local));
    return DIST_EXIT_BERTH;
}

int dist_foreground_run(const DistForeground *request, GError **error) {
    ForegroundRun run = {.request = request, .bus = dist_bus(error)};
    int r = run.bus ? foreground_run(&run) : -ENOTCONN;
    g_autoptr(sd_bus_message) waited = run.waited;

    /* The terminal's settings are restored first, since messages follow. */
    dist_terminal_free(run.terminal);
    dist_journal_free(run.journal);
    dist_readiness_free(run.readiness);
    sd_bus_slot_unref(run.create);
    sd_bus_slot_unref(run.start);
    sd_bus_slot_unref(run.attach);
    sd_bus_slot_unref(run.waiting);
    sd_event_source_disable_unref(run.retry);
    /* Another loop, with its own sd_event, may follow. */
    if (run.bus)
        sd_bus_detach_event(run.bus);
    sd_event_unref(run.event);
    g_clear_error(&run.attach_error);
    if (run.error)
        g_propagate_error(error, run.error);
    else if (r < 0 && !*error)
        berth_error_set_errno(error, r, "%s", _("run the container"));
    if (run.exit == EXIT_DETACHED) {
        /* The container's last line may be incomplete: the shell's prompt starts on a new line. */
        fputc('\n', stderr);
        return EXIT_SUCCESS;
    }
    if (!waited && run.exit == EXIT_INTERRUPTED) {
        g_clear_error(error);
        fprintf(stderr,
                request->pod ? _("dist: %s continues without dist; \"dist pod stop %s\" stops it\n")
                             : _("dist: %s continues without dist; \"dist stop %s\" stops it\n"),
                request->id, request->id);
        return 128 + run.interrupted_by;
    }
    if (!waited)
        return DIST_EXIT_BERTH;
    /* The start failed, and that error is reported; the exit status is still the process's. */
    if (run.error)
        return dist_read_status(waited, request->id, NULL);
    if (request->stop_requested)
        *request->stop_requested = run.stop == STOP_FOR_UNIT;
    return foreground_read_end(&run, waited, error);
}
