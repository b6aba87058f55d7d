/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A launch is started, has made its process (born), for a restore has brought back another one
 * (restored), has been given the go-ahead (released), and is done, by an error or by its socket
 * closing. Its owner has it until done is called, or frees it. The launcher itself is reaped by a
 * source that outlives it.
 */

#include "containers/core/launch.h"

#include "bare/launch-protocol.h"
#include "base/fd.h"
#include "config.h"
#include "containers/core/setup.h"

#include <errno.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* From cloning the launcher until the command runs; hooks and the network are part of it. */
#define LAUNCH_TIMEOUT_USEC (60ull * G_USEC_PER_SEC)

enum { CLONE_STACK_BYTES = 64 * 1024 };

struct BerthLaunch {
    BerthLaunchCallbacks callbacks;
    void *userdata;
    int socket;
    int process; /* a pidfd of its own, to kill what was born */
    sd_event_source *watch, *timeout;
    int helper_pidfd;
    bool restores;
    bool born, restored, released;
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

/* Ends the launch. Its owner drops it in done; it is freed when done has returned. */
static void launch_finish(BerthLaunch *launch, const GError *error) {
    g_autoptr(GError) copy = error ? g_error_copy(error) : NULL;

    launch->callbacks.done(copy, launch->userdata);
    berth_launch_free(launch);
}

static bool send_letter(const BerthLaunch *launch, BerthLaunchMessage message) {
    const char letter = (char)message;

    return send(launch->socket, &letter, 1, MSG_NOSIGNAL) == 1;
}

/* Kills the process that was made; before there is one, the launcher. By pidfds, so that a pid that
 * is in use again is never hit. */
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

/* 1: a message; 0: none now; -1: the other side is closed. */
static int receive(BerthLaunch *launch, Message *message) {
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec parts[] = {{&message->letter, 1}, {message->text, BERTH_LAUNCH_MAX_TEXT}};
    struct msghdr header = {
        .msg_iov = parts,
        .msg_iovlen = G_N_ELEMENTS(parts),
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };

    message->fd = -1;
    ssize_t size;
    /* ECONNRESET: the go-ahead was not read any more. It is reported once, before the last
     * messages. */
    do
        size = recvmsg(launch->socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (size < 0 && (errno == ECONNRESET || errno == EINTR));
    if (size < 0)
        return errno == EAGAIN ? 0 : -1;
    if (size == 0)
        return -1;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    if (rights && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS)
        memcpy(&message->fd, CMSG_DATA(rights), sizeof message->fd);
    /* size counts the letter, too: this is the byte after the text. */
    message->text[size - 1] = '\0';
    return 1;
}

/* A message that does not fit the state of the launch, such as a second PROCESS, is ignored, and
 * its descriptor closed. The pidfd is duplicated, since the callback takes it over and the launch
 * may have to kill the process. */
static void take_message(BerthLaunch *launch, Message *message) {
    berth_autofd int fd = message->fd;

    if (message->letter == BERTH_LAUNCH_FAILED || message->letter == BERTH_LAUNCH_UNSUPPORTED) {
        g_clear_error(&launch->failure);
        berth_error_set(&launch->failure,
                        message->letter == BERTH_LAUNCH_UNSUPPORTED ? BERTH_ERROR_UNSUPPORTED
                                                                    : BERTH_ERROR_LAUNCH_FAILED,
                        "%s", message->text);
    } else if (message->letter == BERTH_LAUNCH_PROCESS && fd >= 0 && !launch->born) {
        launch->born = true;
        launch->process = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        launch->callbacks.born(launch, (pid_t)g_ascii_strtoll(message->text, NULL, 10),
                               berth_fd_steal(&fd), launch->userdata);
    } else if (message->letter == BERTH_LAUNCH_RESTORED && fd >= 0 && launch->restores &&
               !launch->restored) {
        launch->restored = true;
        berth_fd_clear(&launch->process);
        launch->process = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        launch->callbacks.restored(launch, (pid_t)g_ascii_strtoll(message->text, NULL, 10),
                                   berth_fd_steal(&fd), launch->userdata);
    } else if (message->letter == BERTH_LAUNCH_DONE) {
        launch->released = true;
    } else if (message->letter == BERTH_LAUNCH_TERMINAL && fd >= 0) {
        launch->callbacks.terminal(berth_fd_steal(&fd), launch->userdata);
    }
}

/* Reads all messages that have arrived; true once the other side is closed. */
static bool drain(BerthLaunch *launch) {
    Message message;
    int r;

    while ((r = receive(launch, &message)) > 0)
        take_message(launch, &message);
    return r < 0;
}

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    BerthLaunch *launch = userdata;

    (void)source;
    (void)fd;
    (void)events;
    if (!drain(launch))
        return 0;
    launch->watch = sd_event_source_disable_unref(launch->watch);
    /* After a report of failure, the process that was made ends by itself, with the status that
     * tells dist what happened; its owner then calls berth_launch_set_exited(). */
    if (!launch->failure && launch->released)
        launch_finish(launch, NULL);
    else if (!launch->born || launch->restores)
        berth_launch_set_exited(launch, 0);
    return 0;
}

/* Only kills: the launch ends when the process or the socket does, like any other. */
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

    /* A process that fails reports it before it ends. Without a report the command has run, and has
     * ended before the outer process, which holds the socket, too, was done. */
    if (launch->watch)
        (void)drain(launch);
    if (!launch->failure && launch->released) {
        launch_finish(launch, NULL);
        return;
    }
    if (launch->failure)
        error = g_error_copy(launch->failure);
    else if (launch->restores)
        berth_error_set(&error, BERTH_ERROR_LAUNCH_FAILED,
                        "restoring was ended before it was done");
    else
        berth_error_set(&error, BERTH_ERROR_LAUNCH_FAILED,
                        "berth-launch ended with status %d before the command ran", status);
    launch_finish(launch, error);
}

void berth_launch_fail(BerthLaunch *launch, const GError *reason) {
    /* A launcher that has failed by itself says why, and that is the better reason. */
    if (!launch->failure)
        launch->failure = g_error_copy(reason);
    kill_process(launch);
    /* If berth-checkpoint waits for its second go-ahead, it kills the process that it restored. */
    if (launch->restores)
        (void)!send_letter(launch, BERTH_LAUNCH_WITHDRAWN);
}

bool berth_launch_send_go_ahead(BerthLaunch *launch, GError **error) {
    if (!send_letter(launch, BERTH_LAUNCH_GO_AHEAD))
        return berth_error_set_errno(error, errno, "send the go-ahead to berth-launch");
    /* The first go-ahead of a restore only says that berth-checkpoint is in the scope. */
    launch->released = !launch->restores || launch->restored;
    return true;
}

int berth_launch_open_program(const char *name, GError **error) {
    g_autofree char *path = g_build_filename(BERTH_LIBEXECDIR, name, NULL);
    /* A detached mount of the file alone (open_tree(2), OPEN_TREE_CLONE): that it is read-only
     * concerns no other user of the file, and it goes with its last reference. */
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    berth_autofd int program =
        (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (program < 0 || syscall(SYS_mount_setattr, program, "", AT_EMPTY_PATH, &attributes,
                               sizeof attributes) < 0) {
        berth_error_set_errno(error, errno, "open %s", path);
        return -1;
    }
    return berth_fd_steal(&program);
}

typedef struct {
    int program;
    const int *sources;
    int count;
    char *const *arguments;
} Launcher;

/* In the child, which shares the service's memory until it executes, while the service waits: only
 * system calls, and nothing is changed that the service would see. */
static int become_launcher(void *data) {
    static char *const environment[] = {NULL};
    const Launcher *launcher = data;
    sigset_t none;

    /* Signals that the service ignores would stay ignored after execve(2). The actions are a copy,
     * without CLONE_SIGHAND: the service keeps its own. */
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 0; i < launcher->count; i++)
        if (dup2(launcher->sources[i], i) < 0)
            _exit(EXIT_FAILURE);
    /* Right above the descriptors that stay. Close-on-exec, so that the launcher does not inherit
     * it; execveat(2) allows that for a program that is not a script. */
    int program = launcher->count;
    if (dup2(launcher->program, program) < 0 || fcntl(program, F_SETFD, FD_CLOEXEC) < 0)
        _exit(EXIT_FAILURE);
    close_range((unsigned)program + 1, ~0u, 0);
    syscall(SYS_execveat, program, "", launcher->arguments, environment, AT_EMPTY_PATH);
    _exit(EXIT_FAILURE);
}

/* The calling thread is suspended until the child executes or exits (clone(2), CLONE_VFORK), so
 * that one static stack serves all launchers. */
static pid_t clone_launcher(const Launcher *launcher, int *pidfd) {
    static char stack[CLONE_STACK_BYTES] __attribute__((aligned(16)));
    sigset_t all, before;

    /* No handler may run on the shared memory. */
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    pid_t pid = clone(become_launcher, stack + sizeof stack,
                      CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, (void *)launcher, pidfd);
    int errnum = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = errnum;
    return pid;
}

/* A duplicate above the numbers that the child assigns, including the program's: no dup2(2) there
 * replaces a descriptor that is still to be duplicated. */
static int move_up(const BerthLaunchRequest *request, int fd) {
    return fcntl(fd, F_DUPFD_CLOEXEC, BERTH_FIRST_FREE_FD + (int)request->descriptor_count + 1);
}

static bool open_sources(const BerthLaunchRequest *request, int socket, int *sources,
                         GError **error) {
    int count = BERTH_FIRST_FREE_FD + (int)request->descriptor_count;
    berth_autofd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int from[BERTH_FIRST_FREE_FD] = {
        [STDIN_FILENO] = request->input < 0 ? null : request->input,
        [STDOUT_FILENO] = request->output < 0 ? null : request->output,
        [STDERR_FILENO] = request->error < 0 ? null : request->error,
        [BERTH_SOCKET_FD] = socket,
        [BERTH_CONFIG_FD] = request->config,
        [BERTH_DIRECTORY_FD] = request->target,
        [BERTH_SNAPSHOTS_FD] = request->snapshots < 0 ? null : request->snapshots,
    };

    for (int i = 0; i < count; i++)
        /* The caller closes all of them, also after an error. */
        sources[i] = -1;
    for (int i = 0; i < count; i++)
        if ((sources[i] = move_up(request, i < BERTH_FIRST_FREE_FD
                                               ? from[i]
                                               : request->descriptors[i - BERTH_FIRST_FREE_FD])) <
            0)
            return berth_error_set_errno(error, errno, "hand over a descriptor");
    return true;
}

/* The launcher has ended, and sd-event reaps it; its reports came through the socket. */
static int on_helper(sd_event_source *source, const siginfo_t *info, void *userdata) {
    (void)info;
    (void)userdata;
    sd_event_source_unref(source);
    return 0;
}

static bool spawn(BerthLaunch *launch, const BerthLaunchRequest *request, int socket,
                  GError **error) {
    g_autofree char *pid_text = g_strdup_printf("%u", request->pid);
    g_autofree char *names =
        request->descriptor_count > 0 ? g_strjoinv(":", (char **)request->descriptor_names) : NULL;
    char *arguments[] = {
        (char *)(request->name ? request->name : "berth-launch"),
        (char *)request->mode,
        (char *)request->id,
        (char *)(request->pid > 0        ? pid_text
                 : request->arguments[0] ? request->arguments[0]
                 : request->output < 0   ? "journal"
                                         : "-"),
        (char *)(request->arguments[1] ? request->arguments[1]
                 : request->error < 0  ? "journal"
                                       : "-"),
        names,
        NULL,
    };
    int count = BERTH_FIRST_FREE_FD + (int)request->descriptor_count;
    g_autofree int *sources = g_new(int, (gsize)count);
    sd_event_source *helper;

    /* The child has executed, or has failed, when clone_launcher() returns: the duplicates are no
     * longer needed then. */
    bool opened = open_sources(request, socket, sources, error);
    berth_autofd int program = opened ? move_up(request, request->program) : -1;
    const Launcher launcher = {program, sources, count, arguments};
    pid_t pid = opened ? clone_launcher(&launcher, &launch->helper_pidfd) : -1;
    int errnum = errno;
    for (int i = 0; i < count; i++)
        berth_fd_clear(&sources[i]);
    if (!opened)
        return false;
    if (pid < 0)
        return berth_error_set_errno(error, errnum, "clone berth-launch");
    /* The source outlives the launch: it reaps. */
    int r = sd_event_add_child(request->event, &helper, pid, WEXITED, on_helper, NULL);
    return r >= 0 || berth_error_set_errno(error, r, "watch berth-launch");
}

static bool watch(BerthLaunch *launch, const BerthLaunchRequest *request, GError **error) {
    sd_event *event = request->event;
    int r;

    if ((r = sd_event_add_io(event, &launch->watch, launch->socket, EPOLLIN, on_socket, launch)) <
            0 ||
        /* Its reports are read before the end of its process is handled. */
        (r = sd_event_source_set_priority(launch->watch, SD_EVENT_PRIORITY_NORMAL - 10)) < 0 ||
        (!request->has_no_timeout &&
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
    launch->restores = request->restores;
    launch->socket = launch->process = launch->helper_pidfd = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0) {
        berth_error_set_errno(error, errno, "make a socket");
        return NULL;
    }
    launch->socket = sockets[0];
    berth_autofd int theirs = sockets[1];
    return spawn(launch, request, theirs, error) && watch(launch, request, error)
               ? g_steal_pointer(&launch)
               : NULL;
}

bool berth_launch_afterwards(sd_event *event, int program, const char *mode, const char *id,
                             uint32_t pid, int directory, GError **error) {
    bool is_hook = g_str_equal(mode, "poststop");
    berth_autofd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    berth_autofd int network = is_hook ? -1 : berth_launch_open_program("berth-network", error);
    berth_autofd int config = is_hook ? berth_container_setup_open(directory, id, error)
                                      : fcntl(null, F_DUPFD_CLOEXEC, 0);
    /* A launch without an owner: no socket is watched, and spawn() leaves only a pidfd to close. */
    BerthLaunch nobody = {.socket = -1, .process = -1, .helper_pidfd = -1};
    const BerthLaunchRequest request = {
        .event = event,
        .program = is_hook ? program : network,
        .name = is_hook ? "berth-launch" : "berth-network",
        .mode = mode,
        .id = id,
        .pid = pid,
        .input = -1,
        .output = -1,
        .error = STDERR_FILENO,
        .config = config,
        .target = directory,
        .snapshots = -1,
    };

    if (null < 0)
        return berth_error_set_errno(error, errno, "open /dev/null");
    if (config < 0 || request.program < 0)
        return false;
    bool spawned = spawn(&nobody, &request, null, error);
    berth_fd_clear(&nobody.helper_pidfd);
    return spawned;
}
