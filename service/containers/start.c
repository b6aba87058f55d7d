/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Start: berth-launch is cloned as the first process of a new pid namespace and sets the container
 * up while systemd makes its scope. Only when it is in the scope, recorded, and its pidfd kept by
 * systemd does it get the word to execute the container's command. Dying before that word, the
 * service leaves nothing that runs: the launcher sees its socket close and ends.
 */

#include "base/fd.h"
#include "base/log.h"
#include "config.h"
#include "containers/container-private.h"
#include "systemd/pidfd.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define LAUNCH_TIMEOUT_USEC (60ull * G_USEC_PER_SEC)

enum { MAX_REPORT_BYTES = 1024, CLONE_STACK_BYTES = 64 * 1024 };

/* The launcher's descriptors, in order from 0. */
enum { INPUT, OUTPUT, ERROR, SOCKET, CONFIG, DIRECTORY, SNAPSHOTS, DESCRIPTORS };

struct BerthLaunch {
    BerthContainer *container;
    int socket;
    sd_event_source *watch, *timeout;
    bool told; /* the word was given */
    GError *failure;
    BerthContainerDone done;
    void *userdata;
};

void berth_launch_free(BerthLaunch *launch) {
    berth_scopes_forget(launch->container->containers->scopes, launch);
    if (launch->watch)
        sd_event_source_disable_unref(launch->watch);
    if (launch->timeout)
        sd_event_source_disable_unref(launch->timeout);
    berth_fd_clear(&launch->socket);
    g_clear_error(&launch->failure);
    g_free(launch);
}

/* Ends the start; the container no longer knows of it when done is called. */
static void finish(BerthLaunch *launch, const GError *error) {
    BerthContainerDone done = launch->done;
    void *userdata = launch->userdata;
    g_autoptr(GError) copy = error ? g_error_copy(error) : NULL;

    launch->container->launch = NULL;
    berth_launch_free(launch);
    done(copy, userdata);
}

/* What berth-launch has to say: a report of its failure, or, by the end of the socket, that the
 * command runs. Returns true when there is something. */
static bool read_report(BerthLaunch *launch) {
    char report[MAX_REPORT_BYTES + 1];
    ssize_t size = recv(launch->socket, report, MAX_REPORT_BYTES, MSG_DONTWAIT);

    if (size < 0)
        return errno != EAGAIN && errno != EINTR;
    if (size > 0) {
        report[size] = '\0';
        g_clear_error(&launch->failure);
        berth_error_set(&launch->failure, BERTH_ERROR_LAUNCH_FAILED, "%s", report);
    }
    return true;
}

static void kill_process(BerthContainer *container) {
    if (container->pidfd >= 0)
        syscall(SYS_pidfd_send_signal, container->pidfd, SIGKILL, NULL, 0);
}

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    BerthLaunch *launch = userdata;

    (void)source;
    (void)fd;
    (void)events;
    if (!read_report(launch))
        return 0;
    launch->watch = sd_event_source_disable_unref(launch->watch);
    /* After a report it ends by itself, with the status that tells dist what happened. */
    if (!launch->failure && launch->told)
        finish(launch, NULL);
    return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
    BerthLaunch *launch = userdata;

    (void)source;
    (void)usec;
    if (!launch->failure)
        berth_error_set(&launch->failure, BERTH_ERROR_LAUNCH_FAILED,
                        "the container was not set up in time");
    kill_process(launch->container);
    return 0;
}

void berth_launch_set_exited(BerthLaunch *launch, int status) {
    g_autoptr(GError) error = NULL;

    /* A command that ended at once closed the socket before. */
    if (launch->watch && read_report(launch) && !launch->failure && launch->told) {
        finish(launch, NULL);
        return;
    }
    if (launch->failure)
        error = g_error_copy(launch->failure);
    else
        berth_error_set(&error, BERTH_ERROR_LAUNCH_FAILED,
                        "berth-launch ended with status %d before the command ran", status);
    finish(launch, error);
}

static bool record_start(BerthLaunch *launch, GError **error) {
    BerthContainer *container = launch->container;
    BerthContainerRecord *record = &container->record;

    record->state = BERTH_CONTAINER_RUNNING;
    record->started_usec = (uint64_t)g_get_real_time();
    record->exited_usec = 0;
    record->status = BERTH_STATUS_UNKNOWN;
    record->pid_start = berth_pid_get_start((pid_t)record->pid);
    g_free(record->boot);
    record->boot = g_strdup(container->containers->boot);
    return berth_fd_store_put(container->scope, container->pidfd, error) &&
           berth_container_change(container, "start", error);
}

static void on_scope(const GError *scope_error, void *userdata) {
    BerthLaunch *launch = userdata;
    BerthContainer *container = launch->container;
    g_autoptr(GError) error = scope_error ? g_error_copy(scope_error) : NULL;

    if (!error && record_start(launch, &error) && send(launch->socket, "g", 1, MSG_NOSIGNAL) == 1) {
        launch->told = true;
        berth_log(LOG_INFO, BERTH_MESSAGE_CONTAINER_STARTED, "BERTH_CONTAINER",
                  container->record.id, "Container %s of image %s started for user %u",
                  container->record.id, container->record.image, container->record.owner);
        return;
    }
    /* A launcher that has failed by itself says why, and that is the better reason. */
    if (!launch->failure)
        launch->failure = g_steal_pointer(&error);
    kill_process(container);
}

static void start_scope(BerthLaunch *launch) {
    BerthContainer *container = launch->container;
    const BerthContainerRecord *record = &container->record;
    g_autofree char *description = g_strdup_printf("Container %s (%s)", record->id, record->image);
    const BerthScopeOptions options = {
        .unit = container->scope,
        .description = description,
        .slice = record->slice,
        .pid = record->pid,
        .stop_signal = record->stop_signal,
        .stop_timeout_usec = record->stop_timeout_usec,
        .memory_max = record->memory_max,
        .tasks_max = record->tasks_max,
        .cpu_quota_usec = record->cpu_quota_usec,
        .cpu_weight = record->cpu_weight,
    };

    berth_scopes_start(container->containers->scopes, &options, on_scope, launch);
}

typedef struct {
    const int *sources;
    char *const *arguments;
} Launcher;

/* In the child, which shares the service's memory until it executes, while the service waits: only
 * system calls, and nothing is changed that the service would see. */
static int become_launcher(void *data) {
    static char *const environment[] = {NULL};
    const Launcher *launcher = data;
    sigset_t none;

    /* What the service ignores stays ignored by exec(2) otherwise. */
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 0; i < DESCRIPTORS; i++)
        if (dup2(launcher->sources[i], i) < 0)
            _exit(EXIT_FAILURE);
    close_range(DESCRIPTORS, ~0u, 0);
    setsid();
    execve(launcher->arguments[0], launcher->arguments, environment);
    _exit(EXIT_FAILURE);
}

static pid_t clone_launcher(const int sources[DESCRIPTORS], char *const *arguments, int *pidfd) {
    static char stack[CLONE_STACK_BYTES] __attribute__((aligned(16)));
    Launcher launcher = {sources, arguments};
    sigset_t all, before;

    /* No handler may run on the shared memory. */
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    pid_t pid =
        clone(become_launcher, stack + sizeof stack,
              CLONE_VM | CLONE_VFORK | CLONE_NEWPID | CLONE_PIDFD | SIGCHLD, &launcher, pidfd);
    int errnum = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = errnum;
    return pid;
}

static int move_up(int fd) {
    return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTORS);
}

static bool open_sources(BerthContainer *container, const BerthContainerStreams *streams,
                         int socket, int sources[DESCRIPTORS], GError **error) {
    BerthContainers *containers = container->containers;
    const char *id = container->record.id;
    g_autofree char *config_path = g_strconcat(id, "/config.json", NULL);
    berth_autofd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    berth_autofd int config = openat(containers->directory, config_path, O_RDONLY | O_CLOEXEC);
    berth_autofd int directory =
        openat(containers->directory, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (null < 0 || config < 0 || directory < 0)
        return berth_error_set_errno(error, errno, "open the files of container %s", id);
    const int from[DESCRIPTORS] = {
        [INPUT] = streams->input < 0 ? null : streams->input,
        [OUTPUT] = streams->output < 0 ? null : streams->output,
        [ERROR] = streams->error < 0 ? null : streams->error,
        [SOCKET] = socket,
        [CONFIG] = config,
        [DIRECTORY] = directory,
        [SNAPSHOTS] = berth_snapshot_store_get_directory(containers->images->snapshots),
    };
    for (int i = 0; i < DESCRIPTORS; i++)
        if ((sources[i] = move_up(from[i])) < 0)
            return berth_error_set_errno(error, errno, "hand over a descriptor");
    return true;
}

static bool spawn(BerthLaunch *launch, const BerthContainerStreams *streams, GError **error) {
    BerthContainer *container = launch->container;
    char *arguments[] = {
        (char *)BERTH_LIBEXECDIR "/berth-launch",
        container->record.id,
        (char *)(streams->output < 0 ? "journal" : "-"),
        (char *)(streams->error < 0 ? "journal" : "-"),
        NULL,
    };
    int sockets[2], sources[DESCRIPTORS], pidfd = -1;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return berth_error_set_errno(error, errno, "make a socket");
    launch->socket = sockets[0];
    berth_autofd int theirs = sockets[1];
    for (int i = 0; i < DESCRIPTORS; i++)
        sources[i] = -1;
    bool opened = open_sources(container, streams, theirs, sources, error);
    pid_t pid = opened ? clone_launcher(sources, arguments, &pidfd) : -1;
    int errnum = errno;
    for (int i = 0; i < DESCRIPTORS; i++)
        berth_fd_clear(&sources[i]);
    if (!opened)
        return false;
    if (pid < 0)
        return berth_error_set_errno(error, errnum, "clone berth-launch");
    container->record.pid = (uint32_t)pid;
    return berth_container_watch(container, pidfd, error);
}

static bool watch(BerthLaunch *launch, GError **error) {
    sd_event *event = launch->container->containers->event;
    int r;

    if ((r = sd_event_add_io(event, &launch->watch, launch->socket, EPOLLIN, on_socket, launch)) <
            0 ||
        /* What it said comes before that it ended. */
        (r = sd_event_source_set_priority(launch->watch, SD_EVENT_PRIORITY_NORMAL - 10)) < 0 ||
        (r = sd_event_add_time_relative(event, &launch->timeout, CLOCK_MONOTONIC,
                                        LAUNCH_TIMEOUT_USEC, 0, on_timeout, launch)) < 0)
        return berth_error_set_errno(error, r, "watch berth-launch");
    return true;
}

static bool check_startable(const BerthContainer *container, GError **error) {
    BerthContainerState state = container->record.state;

    if (!container->launch &&
        (state == BERTH_CONTAINER_CREATED || state == BERTH_CONTAINER_STOPPED))
        return true;
    return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "container \"%s\" cannot be started, it is %s", container->record.id,
                           container->launch ? "being started"
                                             : berth_container_state_get_name(state));
}

void berth_container_start(BerthContainer *container, const BerthContainerStreams *streams,
                           BerthContainerDone done, void *userdata) {
    g_autoptr(GError) error = NULL;

    if (!check_startable(container, &error)) {
        done(error, userdata);
        return;
    }
    BerthLaunch *launch = g_new0(BerthLaunch, 1);
    launch->container = container;
    launch->socket = -1;
    launch->done = done;
    launch->userdata = userdata;
    container->launch = launch;
    if (spawn(launch, streams, &error) && watch(launch, &error)) {
        start_scope(launch);
        return;
    }
    kill_process(container);
    finish(launch, error);
}
