/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A launch moves through the states of LaunchState, and ends with an error or when its socket
 * closes. Its owner keeps it until done is called, or frees it earlier. The launcher process itself
 * is reaped by an event source that outlives the launch (containers/core/launcher.c).
 */

#include "containers/core/launch.h"

#include "bare/launch-protocol.h"
#include "bare/rights.h"
#include "base/fd.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* From the clone of the launcher until the command runs, including hooks and the network, but not
 * the first filling of a volume, which copies and syncs as much as the image has there. */
#define LAUNCH_TIMEOUT_USEC (60ull * G_USEC_PER_SEC)

typedef enum {
    LAUNCH_STARTED,  /* the launcher runs, and has not created a process yet */
    LAUNCH_WAITING,  /* its process waits for the go-ahead; berth-checkpoint may have it */
    LAUNCH_RESTORED, /* the restored process waits for the go-ahead */
    LAUNCH_RELEASED, /* the go-ahead has been sent; the command runs once the socket closes */
    LAUNCH_REPORTED, /* a helper has reported that its work is done */
} LaunchState;

struct BerthLaunch {
    BerthLaunchCallbacks callbacks;
    void *userdata;
    int socket;
    int process; /* a duplicate of the pidfd, for killing the process */
    sd_event_source *watch, *timeout;
    int helper_pidfd;
    BerthLaunchKind kind;
    LaunchState state;
    GError *failure;
};

void berth_launch_free(BerthLaunch *launch) {
    if (launch->watch)
        sd_event_source_disable_unref(launch->watch);
    if (launch->timeout)
        sd_event_source_disable_unref(launch->timeout);
    berth_fd_clear(&launch->socket);
    berth_fd_clear(&launch->process);
    berth_fd_clear(&launch->helper_pidfd);
    g_clear_error(&launch->failure);
    g_free(launch);
}

/* Ends the launch. The owner drops its pointer in done; the launch is freed when done has
 * returned. */
static void launch_finish(BerthLaunch *launch, const GError *error) {
    g_autoptr(GError) copy = error ? g_error_copy(error) : NULL;

    launch->callbacks.done(copy, launch->userdata);
    berth_launch_free(launch);
}

static bool send_letter(const BerthLaunch *launch, BerthLaunchMessage message) {
    const char letter = (char)message;

    return send(launch->socket, &letter, 1, MSG_NOSIGNAL) == 1;
}

/* Kills the process, or the launcher if there is no process yet. Both through pidfds, so that a pid
 * that has been reused is never hit. */
static void kill_process(BerthLaunch *launch) {
    if (launch->process >= 0)
        syscall(SYS_pidfd_send_signal, launch->process, SIGKILL, NULL, 0);
    else if (launch->helper_pidfd >= 0)
        syscall(SYS_pidfd_send_signal, launch->helper_pidfd, SIGKILL, NULL, 0);
}

typedef struct {
    char letter;
    char text[BERTH_LAUNCH_MAX_TEXT + 1];
    int fd;
} Message;

/* Returns 1 for a message, 0 if there is none at the moment, -1 if the peer has closed the
 * socket. */
static int launch_receive(BerthLaunch *launch, Message *message) {
    BerthRights rights;
    struct iovec parts[] = {{&message->letter, 1}, {message->text, BERTH_LAUNCH_MAX_TEXT}};
    struct msghdr header = {
        .msg_iov = parts,
        .msg_iovlen = G_N_ELEMENTS(parts),
    };
    ssize_t size;

    message->fd = -1;
    berth_rights_expect(&header, &rights);
    /* ECONNRESET: the peer closed the socket without reading the go-ahead. The error is reported
     * once, before the last messages, which are still to be read. */
    do
        size = recvmsg(launch->socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (size < 0 && (errno == ECONNRESET || errno == EINTR));
    if (size < 0)
        return errno == EAGAIN ? 0 : -1;
    if (size == 0)
        return -1;
    message->fd = berth_rights_take(&header);
    /* size includes the letter, so this is the byte after the text. */
    message->text[size - 1] = '\0';
    return 1;
}

/* Keeps a duplicate of the pidfd, since the callback takes over the original and the launch may
 * have to kill the process. */
static void launch_take_process(BerthLaunch *launch, const Message *message, int pidfd,
                                LaunchState state) {
    pid_t pid = (pid_t)g_ascii_strtoll(message->text, NULL, 10);

    launch->state = state;
    berth_fd_clear(&launch->process);
    launch->process = fcntl(pidfd, F_DUPFD_CLOEXEC, 0);
    if (state == LAUNCH_WAITING)
        launch->callbacks.process_created(launch, pid, pidfd, launch->userdata);
    else
        launch->callbacks.restored(launch, pid, pidfd, launch->userdata);
}

static void launch_suspend_timeout(BerthLaunch *launch, bool suspended) {
    if (!launch->timeout)
        return;
    if (!suspended)
        (void)sd_event_source_set_time_relative(launch->timeout, LAUNCH_TIMEOUT_USEC);
    (void)sd_event_source_set_enabled(launch->timeout, suspended ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

/* A message that does not fit the state of the launch, such as a second PROCESS, is ignored and its
 * descriptor is closed. */
static void launch_take_message(BerthLaunch *launch, Message *message) {
    berth_autofd int fd = message->fd;

    switch ((BerthLaunchMessage)message->letter) {
    case BERTH_LAUNCH_FAILED:
    case BERTH_LAUNCH_UNSUPPORTED:
        g_clear_error(&launch->failure);
        berth_error_set(&launch->failure,
                        message->letter == BERTH_LAUNCH_UNSUPPORTED ? BERTH_ERROR_UNSUPPORTED
                                                                    : BERTH_ERROR_LAUNCH_FAILED,
                        "%s", message->text);
        break;
    case BERTH_LAUNCH_PROCESS:
        if (fd >= 0 && launch->state == LAUNCH_STARTED && launch->kind != BERTH_LAUNCH_HELPER)
            launch_take_process(launch, message, berth_fd_steal(&fd), LAUNCH_WAITING);
        break;
    case BERTH_LAUNCH_RESTORED:
        if (fd >= 0 && launch->state == LAUNCH_WAITING && launch->kind == BERTH_LAUNCH_RESTORE)
            launch_take_process(launch, message, berth_fd_steal(&fd), LAUNCH_RESTORED);
        break;
    case BERTH_LAUNCH_DONE:
        if (launch->kind == BERTH_LAUNCH_HELPER)
            launch->state = LAUNCH_REPORTED;
        break;
    case BERTH_LAUNCH_FILLING:
    case BERTH_LAUNCH_FILLED:
        launch_suspend_timeout(launch, message->letter == BERTH_LAUNCH_FILLING);
        break;
    case BERTH_LAUNCH_TERMINAL:
        if (fd >= 0 && launch->kind != BERTH_LAUNCH_HELPER)
            launch->callbacks.terminal(berth_fd_steal(&fd), launch->userdata);
        break;
    default:
        break;
    }
}

static bool launch_has_succeeded(const BerthLaunch *launch) {
    return !launch->failure &&
           (launch->state == LAUNCH_RELEASED || launch->state == LAUNCH_REPORTED);
}

/* After it has reported a failure, the process exits by itself, with the status that tells dist
 * what happened; the owner then calls berth_launch_set_exited(). With a restore the first process
 * is berth-checkpoint, which has no such status. */
static bool launch_ends_with_process(const BerthLaunch *launch) {
    return launch->kind == BERTH_LAUNCH_START &&
           (launch->state == LAUNCH_WAITING || launch->state == LAUNCH_RELEASED);
}

/* Reads all messages that have arrived; true once the other side is closed. */
static bool launch_drain(BerthLaunch *launch) {
    Message message;
    int r;

    while ((r = launch_receive(launch, &message)) > 0)
        launch_take_message(launch, &message);
    return r < 0;
}

static int launch_on_socket(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    BerthLaunch *launch = userdata;

    (void)source;
    (void)fd;
    (void)events;
    if (!launch_drain(launch))
        return 0;
    launch->watch = sd_event_source_disable_unref(launch->watch);
    if (launch_has_succeeded(launch))
        launch_finish(launch, NULL);
    else if (!launch_ends_with_process(launch))
        berth_launch_set_exited(launch, 0);
    return 0;
}

/* Only kills: as always, the launch ends when the process does or the socket closes. */
static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
    BerthLaunch *launch = userdata;

    (void)source;
    (void)usec;
    if (!launch->failure)
        berth_error_set(&launch->failure, BERTH_ERROR_LAUNCH_FAILED,
                        "the process was not set up in time");
    kill_process(launch);
    return 0;
}

void berth_launch_set_exited(BerthLaunch *launch, int status) {
    g_autoptr(GError) error = NULL;

    /* A process that fails sends a report before it exits. Without a report, the command has run,
     * and has ended before the outer process, which also holds the socket, was finished. */
    if (launch->watch)
        (void)launch_drain(launch);
    if (launch_has_succeeded(launch)) {
        launch_finish(launch, NULL);
        return;
    }
    if (launch->failure)
        error = g_error_copy(launch->failure);
    else if (launch->kind == BERTH_LAUNCH_RESTORE)
        berth_error_set(&error, BERTH_ERROR_LAUNCH_FAILED,
                        "the restore was ended before it had finished");
    else
        berth_error_set(&error, BERTH_ERROR_LAUNCH_FAILED,
                        "berth-launch ended with status %d before the command ran", status);
    launch_finish(launch, error);
}

void berth_launch_fail(BerthLaunch *launch, const GError *reason) {
    /* If the launcher has reported its own reason, that one is more precise. */
    if (!launch->failure)
        launch->failure = g_error_copy(reason);
    kill_process(launch);
    /* A berth-checkpoint that waits for its second go-ahead kills the process that it has
     * restored. */
    if (launch->kind == BERTH_LAUNCH_RESTORE)
        (void)!send_letter(launch, BERTH_LAUNCH_WITHDRAWN);
}

bool berth_launch_send_go_ahead(BerthLaunch *launch, GError **error) {
    if (!send_letter(launch, BERTH_LAUNCH_GO_AHEAD))
        return berth_error_set_errno(error, errno, "send the go-ahead to berth-launch");
    /* The first go-ahead of a restore only means that berth-checkpoint is in the scope. */
    if (launch->kind != BERTH_LAUNCH_RESTORE || launch->state == LAUNCH_RESTORED)
        launch->state = LAUNCH_RELEASED;
    return true;
}

static bool launch_watch(BerthLaunch *launch, const BerthLaunchRequest *request, GError **error) {
    sd_event *event = request->event;
    int r;

    if ((r = sd_event_add_io(event, &launch->watch, launch->socket, EPOLLIN, launch_on_socket,
                             launch)) < 0 ||
        /* Higher priority than the pidfd's: the reports must be read before the end of the process
         * is handled. */
        (r = sd_event_source_set_priority(launch->watch, SD_EVENT_PRIORITY_NORMAL - 10)) < 0 ||
        (request->kind == BERTH_LAUNCH_START &&
         (r = sd_event_add_time_relative(event, &launch->timeout, CLOCK_MONOTONIC,
                                         LAUNCH_TIMEOUT_USEC, 0, on_timeout, launch)) < 0))
        return berth_error_set_errno(error, r, "watch berth-launch");
    return true;
}

BerthLaunch *berth_launch_new(const BerthLaunchRequest *request,
                              const BerthLaunchCallbacks *callbacks, void *userdata,
                              GError **error) {
    g_autoptr(BerthLaunch) launch = g_new0(BerthLaunch, 1);
    int sockets[2];

    launch->callbacks = *callbacks;
    launch->userdata = userdata;
    launch->kind = request->kind;
    launch->socket = launch->process = launch->helper_pidfd = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0) {
        berth_error_set_errno(error, errno, "make a socket");
        return NULL;
    }
    launch->socket = sockets[0];
    berth_autofd int theirs = sockets[1];
    return berth_launcher_spawn(request, theirs, &launch->helper_pidfd, error) &&
                   launch_watch(launch, request, error)
               ? g_steal_pointer(&launch)
               : NULL;
}
