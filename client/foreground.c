/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process of a container in the foreground: one event loop that starts the process if requested,
 * waits for its exit, shows its terminal or journal, and passes signals on. The loop ends when Wait
 * has returned, with the detach keys, at the third Ctrl-C, or with the first error. The Loop owns
 * the terminal, the journal and the replies; the request is the caller's. Its state goes from
 * CREATING, which is skipped if the container exists already, to STARTING and RUNNING; a process
 * that could not be started stays in STARTING. Create, Start, Wait and Attach are under way at the
 * same time, so each callback must consider which of the others have been answered. */

#include "client/foreground.h"

#include "base/fd.h"
#include "client/bus.h"
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
    LOOP_CREATING, /* Create has not returned yet */
    LOOP_STARTING, /* Start has not returned yet, or has failed */
    LOOP_RUNNING,  /* Start has succeeded, or the process was running already */
} LoopState;

/* Why the loop ended. */
typedef enum {
    EXIT_PROCESS_ENDED,
    EXIT_DETACHED,
    EXIT_INTERRUPTED, /* by the third Ctrl-C, or by any signal if none is passed on */
} LoopExit;

/* Whether dist itself has asked the service to stop the container, and why. */
typedef enum {
    STOP_NOT_REQUESTED,
    STOP_FOR_UNIT,    /* dist's unit is being stopped */
    STOP_NEVER_READY, /* killed: there is no health check that could make it ready */
} StopRequest;

typedef struct {
    const DistForeground *request;
    LoopState state;
    LoopExit exit;
    sd_bus *bus;
    sd_event *event;
    DistTerminal *terminal;
    DistJournal *journal;
    sd_bus_message *waited; /* the reply to Wait */
    GError *error;
    /* Freeing a slot cancels its call, so no callback runs with a Loop that is gone. */
    sd_bus_slot *create, *start, *waiting;
    sd_bus_slot *attach;  /* unlike the others, NULL once Attach has been answered */
    unsigned interrupts;  /* Ctrl-C so far */
    int interrupted_by;   /* the signal of EXIT_INTERRUPTED */
    GError *attach_error; /* reported only if the process runs */
    sd_event_source *again;
    unsigned absences; /* how often dist has had to wait for the service or the bus to come back */
    StopRequest stop;
    DistReadiness *readiness;
} Loop;

static int ask_again_later(Loop *loop);

/* The bus reports lost calls in any order. Only the result of Create counts, and that call was
 * lost, too. */
static bool was_lost_with_create(const Loop *loop, sd_bus_message *reply) {
    return loop->state == LOOP_CREATING && dist_reply_was_lost(reply);
}

static int foreground_on_waited(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Loop *loop = userdata;

    (void)error;
    if (was_lost_with_create(loop, reply))
        return 0;
    if (loop->state == LOOP_RUNNING && dist_reply_is_absence(reply))
        return ask_again_later(loop);
    loop->waited = sd_bus_message_ref(reply);
    /* Until Attach has been answered, the last output has not been shown: its callback ends the
     * loop. */
    return loop->attach ? 0 : sd_event_exit(loop->event, 0);
}

/* A call that is still under way is cancelled: two replies would end the loop twice. */
static int ask_to_wait(Loop *loop) {
    loop->waiting = sd_bus_slot_unref(loop->waiting);
    if (loop->request->pod)
        return sd_bus_call_method_async(loop->bus, &loop->waiting, DIST_DESTINATION, DIST_PODS,
                                        "Wait", foreground_on_waited, loop, "sa{sv}",
                                        loop->request->id, 0);
    return sd_bus_call_method_async(loop->bus, &loop->waiting, DIST_DESTINATION, DIST_CONTAINERS,
                                    "Wait", foreground_on_waited, loop, "ssa{sv}",
                                    loop->request->id, loop->request->process, 0);
}

/* The container has no health checks, so a unit that waits for them would only reach its time-out.
 */
static void foreground_on_never_ready(void *userdata) {
    Loop *loop = userdata;

    if (loop->stop == STOP_NEVER_READY)
        return;
    loop->stop = STOP_NEVER_READY;
    (void)sd_bus_call_method_async(loop->bus, NULL, DIST_DESTINATION, DIST_CONTAINERS, "Kill", NULL,
                                   NULL, "sia{sv}", loop->request->id, (int32_t)SIGKILL, 1, "All",
                                   "b", 1);
}

/* If the service cannot be reached now, on_again() asks it later. */
static void ask_to_stop(Loop *loop) {
    if (loop->bus && loop->request->pod)
        (void)sd_bus_call_method_async(loop->bus, NULL, DIST_DESTINATION, DIST_PODS, "Stop", NULL,
                                       NULL, "sa{sv}", loop->request->id, 0);
    else if (loop->bus)
        (void)sd_bus_call_method_async(loop->bus, NULL, DIST_DESTINATION, DIST_CONTAINERS, "Stop",
                                       NULL, NULL, "sa{sv}", loop->request->id, 0);
}

/* A closed connection is not reopened, so it is replaced. The bus may take a while to come back. */
static int foreground_reconnect(Loop *loop) {
    if (loop->bus && sd_bus_is_open(loop->bus) > 0)
        return 0;
    loop->waiting = sd_bus_slot_unref(loop->waiting);
    if (loop->bus)
        sd_bus_detach_event(loop->bus);
    loop->bus = dist_bus_reconnect(NULL);
    return loop->bus ? sd_bus_attach_event(loop->bus, loop->event, 0) : -ENOTCONN;
}

/* A stop request may have been lost with the service, so it is repeated. */
static int on_again(sd_event_source *source, uint64_t usec, void *userdata) {
    Loop *loop = userdata;

    (void)source;
    (void)usec;
    if (foreground_reconnect(loop) < 0 || ask_to_wait(loop) < 0)
        return ask_again_later(loop);
    if (loop->readiness)
        dist_readiness_returned(loop->readiness, loop->bus);
    if (loop->stop == STOP_FOR_UNIT)
        ask_to_stop(loop);
    return 0;
}

static int ask_again_later(Loop *loop) {
    uint64_t delay_usec = dist_absence_delay_usec(loop->absences++);

    sd_event_source_disable_unref(loop->again);
    loop->again = NULL;
    return sd_event_add_time_relative(loop->event, &loop->again, CLOCK_MONOTONIC, delay_usec, 0,
                                      on_again, loop);
}

static void send_size(Loop *loop) {
    uint32_t rows, columns;

    if (loop->bus && loop->terminal && dist_terminal_get_size(&rows, &columns))
        (void)sd_bus_call_method_async(loop->bus, NULL, DIST_DESTINATION, DIST_CONTAINERS, "Resize",
                                       NULL, NULL, "ssuua{sv}", loop->request->id,
                                       loop->request->process, rows, columns, 0);
}

static void foreground_on_detached(void *userdata) {
    Loop *loop = userdata;

    loop->exit = EXIT_DETACHED;
    sd_event_exit(loop->event, 0);
}

/* Attach has failed. This is an error only if the process runs: if it could not be started, the
 * reply to Start has the reason and Wait the status. */
static int give_up_without_terminal(Loop *loop) {
    bool running = loop->state == LOOP_RUNNING;

    if (loop->attach_error && !loop->waited && running && !loop->error)
        loop->error = g_steal_pointer(&loop->attach_error);
    return loop->waited || (loop->error && running) ? sd_event_exit(loop->event, 0) : 0;
}

static int foreground_on_terminal(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Loop *loop = userdata;
    DistAttachment attachment;
    int master, screen, bell;

    (void)error;
    loop->attach = sd_bus_slot_unref(loop->attach);
    if (!dist_check_reply(reply, &loop->attach_error))
        return give_up_without_terminal(loop);
    int r = sd_bus_message_read(reply, "hhh", &master, &screen, &bell);
    if (r < 0) {
        dist_bad_reply(r, &loop->attach_error);
        return give_up_without_terminal(loop);
    }
    /* The reply closes its descriptors when it is freed. */
    attachment.master = fcntl(master, F_DUPFD_CLOEXEC, 3);
    attachment.screen = fcntl(screen, F_DUPFD_CLOEXEC, 3);
    attachment.bell = fcntl(bell, F_DUPFD_CLOEXEC, 3);
    loop->terminal = dist_terminal_join(loop->event, &attachment, loop->request->detach_keys,
                                        foreground_on_detached, loop, &loop->attach_error);
    if (!loop->terminal)
        return give_up_without_terminal(loop);
    if (loop->waited)
        return sd_event_exit(loop->event, 0);
    send_size(loop);
    return 0;
}

static int ask_for_terminal(Loop *loop) {
    return sd_bus_call_method_async(loop->bus, &loop->attach, DIST_DESTINATION, DIST_CONTAINERS,
                                    "Attach", foreground_on_terminal, loop, "ssa{sv}",
                                    loop->request->id, loop->request->process, 0);
}

static int foreground_on_started(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Loop *loop = userdata;
    int r = 0;

    (void)error;
    if (was_lost_with_create(loop, reply))
        return 0;
    bool good = dist_check_reply(reply, &loop->error);
    /* A command that could not be executed has an exit status as well, which Wait returns. */
    bool ended = !good && loop->error->code == BERTH_ERROR_LAUNCH_FAILED;
    if (!good && !ended)
        return sd_event_exit(loop->event, 0);
    if (good)
        loop->state = LOOP_RUNNING;
    if (good && !dist_write_pid(reply, loop->request->pid_file, &loop->error))
        return sd_event_exit(loop->event, 0);
    /* For a unit of Type=notify (systemd.service(5)). */
    if (good)
        dist_readiness_started(loop->readiness);
    /* An earlier stop request may have been refused, since nothing was running yet. */
    if (good && loop->stop == STOP_FOR_UNIT)
        ask_to_stop(loop);
    /* The reply to Attach came first. */
    if (good && loop->attach_error)
        return give_up_without_terminal(loop);
    if (good && loop->request->terminal && loop->request->wait_after_start &&
        (r = ask_for_terminal(loop)) < 0)
        return r;
    return loop->request->wait_after_start ? ask_to_wait(loop) : 0;
}

/* The calls that follow are queued behind Create by the service and fail if it fails; its error is
 * the one to report. */
static int foreground_on_created(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Loop *loop = userdata;

    (void)error;
    *loop->request->creation = dist_creation_read(reply, &loop->error);
    if (*loop->request->creation != DIST_CREATION_DONE)
        return sd_event_exit(loop->event, 0);
    loop->state = LOOP_STARTING;
    return 0;
}

/* A signal sent to dist is passed to the process; a new window size is passed to its terminal. */
static int foreground_on_signal(sd_event_source *source, const struct signalfd_siginfo *info,
                                void *userdata) {
    Loop *loop = userdata;

    (void)source;
    if (info->ssi_signo == SIGWINCH) {
        send_size(loop);
        return 0;
    }
    /* Nothing has been created yet: the signal ends dist, and its pending calls with it. */
    if (loop->state == LOOP_CREATING)
        dist_end_by_signal((int)info->ssi_signo);
    /* The process ignores SIGINT or takes long to exit: leave it running. */
    if (loop->request->lets_go ||
        (info->ssi_signo == SIGINT && ++loop->interrupts == MAX_INTERRUPTS)) {
        loop->interrupted_by = (int)info->ssi_signo;
        loop->exit = EXIT_INTERRUPTED;
        return sd_event_exit(loop->event, 0);
    }
    /* The service sends the container's own stop signal, and SIGKILL after its time-out. */
    if ((info->ssi_signo == SIGTERM && loop->request->stops) || loop->request->pod) {
        if (loop->stop == STOP_NOT_REQUESTED)
            loop->stop = STOP_FOR_UNIT;
        ask_to_stop(loop);
    } else if (loop->bus) {
        (void)sd_bus_call_method_async(
            loop->bus, NULL, DIST_DESTINATION, DIST_CONTAINERS, "Kill", NULL, NULL, "sia{sv}",
            loop->request->id, (int32_t)info->ssi_signo, 1, "Process", "s", loop->request->process);
    }
    return 0;
}

/* Signals are not passed to a process that dist did not start: without a callback,
 * sd_event_add_signal(3) ends the loop. It requires the signals to be blocked first. */
static int foreground_watch_signals(Loop *loop) {
    static const int forwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH};
    sigset_t set;
    int r = 0;

    sigemptyset(&set);
    for (size_t i = 0; i < G_N_ELEMENTS(forwarded); i++)
        sigaddset(&set, forwarded[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(forwarded); i++)
        r = sd_event_add_signal(
            loop->event, NULL, forwarded[i],
            loop->request->start || forwarded[i] == SIGWINCH ? foreground_on_signal : NULL, loop);
    return r;
}

/* Wait and Attach are called before Start: a container that is deleted when it exits (AutoRemove)
 * may be gone by the time of a later call. With wait_after_start they follow Start, since Wait
 * would otherwise return at once, with the status of the previous run. */
static int foreground_run(Loop *loop) {
    const DistForeground *request = loop->request;
    int r;

    if ((r = sd_event_default(&loop->event)) < 0 || (r = foreground_watch_signals(loop)) < 0 ||
        (r = sd_bus_attach_event(loop->bus, loop->event, 0)) < 0)
        return r;
    loop->readiness = dist_readiness_new(loop->event, loop->bus, request->id, request->notify);
    dist_readiness_on_impossible(loop->readiness, foreground_on_never_ready, loop);
    /* sd_watchdog_enabled(3): pings systemd for as long as this loop runs. A container that sends
     * its own notifications also serves the watchdog. */
    if (request->notify != DIST_NOTIFY_CONTAINER &&
        (r = sd_event_set_watchdog(loop->event, true)) < 0)
        return r;
    loop->state = request->create ? LOOP_CREATING : request->start ? LOOP_STARTING : LOOP_RUNNING;
    if ((request->create && (r = sd_bus_call_async(loop->bus, &loop->create, request->create,
                                                   foreground_on_created, loop, UINT64_MAX)) < 0) ||
        (!request->wait_after_start && (r = ask_to_wait(loop)) < 0))
        return r;
    if (request->terminal && !request->wait_after_start && (r = ask_for_terminal(loop)) < 0)
        return r;
    if (request->journal &&
        !(loop->journal = dist_journal_follow(loop->event, request->id, &loop->error)))
        return 0;
    if (request->start && (r = sd_bus_call_async(loop->bus, &loop->start, request->start,
                                                 foreground_on_started, loop, UINT64_MAX)) < 0)
        return r;
    return sd_event_loop(loop->event);
}

/* A container that deletes itself may have been removed while the service was away. */
static int read_end(const Loop *loop, sd_bus_message *waited, GError **error) {
    const DistForeground *request = loop->request;
    g_autoptr(GError) local = NULL;
    int status;

    if (loop->stop == STOP_NEVER_READY)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               _("--notify=healthy: container %s has no health check"),
                               request->id),
               DIST_EXIT_BERTH;
    if (dist_check_reply(waited, &local))
        return dist_read_status(waited, request->id, error);
    if (loop->absences > 0 && g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND))
        return dist_find_last_exit(request->id, request->process, &status, error) ? status
                                                                                  : DIST_EXIT_BERTH;
    g_propagate_error(error, g_steal_pointer(&local));
    return DIST_EXIT_BERTH;
}

int dist_foreground_run(const DistForeground *request, GError **error) {
    Loop loop = {.request = request, .bus = dist_bus(error)};
    int r = loop.bus ? foreground_run(&loop) : -ENOTCONN;
    g_autoptr(sd_bus_message) waited = loop.waited;

    /* The terminal's settings are restored first, since messages follow. */
    dist_terminal_free(loop.terminal);
    dist_journal_free(loop.journal);
    dist_readiness_free(loop.readiness);
    sd_bus_slot_unref(loop.create);
    sd_bus_slot_unref(loop.start);
    sd_bus_slot_unref(loop.attach);
    sd_bus_slot_unref(loop.waiting);
    sd_event_source_disable_unref(loop.again);
    /* Another loop, with its own sd_event, may follow. */
    if (loop.bus)
        sd_bus_detach_event(loop.bus);
    sd_event_unref(loop.event);
    g_clear_error(&loop.attach_error);
    if (loop.error)
        g_propagate_error(error, loop.error);
    else if (r < 0 && !*error)
        berth_error_set_errno(error, r, "%s", _("run the container"));
    if (loop.exit == EXIT_DETACHED) {
        /* The container's last line may be incomplete: the shell's prompt starts on a new line. */
        fputc('\n', stderr);
        return EXIT_SUCCESS;
    }
    if (!waited && loop.exit == EXIT_INTERRUPTED) {
        g_clear_error(error);
        fprintf(stderr,
                request->pod ? _("dist: %s continues without dist; \"dist pod stop %s\" stops it\n")
                             : _("dist: %s continues without dist; \"dist stop %s\" stops it\n"),
                request->id, request->id);
        return 128 + loop.interrupted_by;
    }
    if (!waited)
        return DIST_EXIT_BERTH;
    /* The start failed, and that error is reported; the exit status is still the process's. */
    if (loop.error)
        return dist_read_status(waited, request->id, NULL);
    if (request->stopped)
        *request->stopped = loop.stop == STOP_FOR_UNIT;
    return read_end(&loop, waited, error);
}
