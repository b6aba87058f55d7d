/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Clones a launcher. No state is kept here: the caller owns the pidfd, and sd-event reaps the
 * process. The one thing to know: between clone(2) and execve(2) the child runs in the service's
 * memory, so that a start costs the same whatever the size of the service.
 */

#include "containers/core/launcher.h"

#include "bare/launch-protocol.h"
#include "base/fd.h"
#include "config.h"
#include "containers/core/setup.h"
#include "worker/worker-words.h"

#include <errno.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { CLONE_STACK_BYTES = 64 * 1024 };

int berth_launcher_open_program(const char *name, GError **error) {
    g_autofree char *path = g_build_filename(BERTH_LIBEXECDIR, name, NULL);
    /* A detached mount of just this file (open_tree(2), OPEN_TREE_CLONE). Making it read-only
     * affects no other user of the file, and the mount disappears with its last reference. */
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

/* Runs in the child, which shares the service's memory until it executes, while the service is
 * suspended. Only system calls are made, and nothing is changed that the service could see. */
static int become_launcher(void *data) {
    static char *const environment[] = {NULL};
    const Launcher *launcher = data;
    sigset_t none;

    /* Signals that the service ignores would stay ignored after execve(2). Without CLONE_SIGHAND
     * the signal actions are a copy, so the service keeps its own. */
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 0; i < launcher->count; i++)
        if (dup2(launcher->sources[i], i) < 0)
            _exit(EXIT_FAILURE);
    /* Placed just above the descriptors that are passed on. It is close-on-exec, so that the
     * launcher does not inherit it; execveat(2) allows that for a program that is not a script. */
    int program = launcher->count;
    if (dup2(launcher->program, program) < 0 || fcntl(program, F_SETFD, FD_CLOEXEC) < 0)
        _exit(EXIT_FAILURE);
    close_range((unsigned)program + 1, ~0u, 0);
    syscall(SYS_execveat, program, "", launcher->arguments, environment, AT_EMPTY_PATH);
    _exit(EXIT_FAILURE);
}

/* The calling thread is suspended until the child executes or exits (clone(2), CLONE_VFORK), so a
 * single static stack is enough for all launchers. */
static pid_t clone_launcher(const Launcher *launcher, int *pidfd) {
    static char stack[CLONE_STACK_BYTES] __attribute__((aligned(16)));
    sigset_t all, before;

    /* No signal handler may run in the shared memory. */
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    pid_t pid = clone(become_launcher, stack + sizeof stack,
                      CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, (void *)launcher, pidfd);
    int errnum = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = errnum;
    return pid;
}

/* Duplicates a descriptor above all numbers that the child assigns, including the program's, so
 * that none of its dup2(2) calls replaces a descriptor that has not been duplicated yet. */
static int move_above_standard(const BerthLaunchRequest *request, int fd) {
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
        [BERTH_SECRETS_FD] = request->secrets < 0 ? null : request->secrets,
        [BERTH_POD_FD] = request->pod < 0 ? null : request->pod,
        [BERTH_CGROUP_FD] = request->cgroup < 0 ? null : request->cgroup,
    };

    for (int i = 0; i < count; i++)
        /* The caller closes all of them, even after an error. */
        sources[i] = -1;
    for (int i = 0; i < count; i++)
        if ((sources[i] = move_above_standard(
                 request, i < BERTH_FIRST_FREE_FD
                              ? from[i]
                              : request->descriptors[i - BERTH_FIRST_FREE_FD])) < 0)
            return berth_error_set_errno(error, errno, "hand over a descriptor");
    return true;
}

/* What a launcher has written to its standard error, until its event source is freed. */
typedef struct {
    int words;
    const char *kind;
    char *id;
} LauncherWords;

static void log_launcher_words(void *data) {
    LauncherWords *words = data;

    berth_worker_words_log(words->words, words->kind, words->id);
    berth_fd_clear(&words->words);
    g_free(words->id);
    g_free(words);
}

/* sd-event has reaped the launcher. Its reports came through the socket, so there is nothing else
 * to do. */
static int on_helper(sd_event_source *source, const siginfo_t *info, void *userdata) {
    (void)info;
    (void)userdata;
    sd_event_source_unref(source);
    return 0;
}

bool berth_launcher_spawn(const BerthLaunchRequest *request, int socket, int *pidfd,
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
    BerthLaunchRequest launched = *request;
    berth_autofd int ours = -1, theirs = -1;
    sd_event_source *helper;

    if (request->words) {
        if (!berth_worker_words_new(&ours, &theirs, error))
            return false;
        launched.error = theirs;
    }
    /* When clone_launcher() returns, the child has executed or failed, and the duplicates are no
     * longer needed. */
    bool opened = open_sources(&launched, socket, sources, error);
    berth_autofd int program = opened ? move_above_standard(request, request->program) : -1;
    const Launcher launcher = {program, sources, count, arguments};
    pid_t pid = opened ? clone_launcher(&launcher, pidfd) : -1;
    int errnum = errno;
    for (int i = 0; i < count; i++)
        berth_fd_clear(&sources[i]);
    if (!opened)
        return false;
    if (pid < 0)
        return berth_error_set_errno(error, errnum, "clone berth-launch");
    /* The event source is freed once it has reaped the launcher. */
    int r = sd_event_add_child(request->event, &helper, pid, WEXITED, on_helper, NULL);
    if (r < 0)
        return berth_error_set_errno(error, r, "watch berth-launch");
    if (request->words) {
        LauncherWords *words = g_new0(LauncherWords, 1);
        *words = (LauncherWords){berth_fd_steal(&ours), request->words, g_strdup(request->id)};
        sd_event_source_set_userdata(helper, words);
        sd_event_source_set_destroy_callback(helper, log_launcher_words);
    }
    return true;
}

/* Nobody reads a report of what happens: the launcher gets /dev/null in place of the socket, and in
 * place of a set-up if it needs none. A failure is written to standard error, the journal. */
static bool spawn_without_socket(BerthLaunchRequest request, int *pidfd, GError **error) {
    berth_autofd int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0)
        return berth_error_set_errno(error, errno, "open /dev/null");
    if (request.config < 0)
        request.config = null;
    request.arguments[0] = "-";
    request.input = request.output = request.snapshots = -1;
    request.error = STDERR_FILENO;
    return berth_launcher_spawn(&request, null, pidfd, error);
}

bool berth_launcher_spawn_network(sd_event *event, const char *mode, const char *id, uint32_t pid,
                                  int networks, int *pidfd, GError **error) {
    berth_autofd int program = berth_launcher_open_program("berth-network", error);
    const BerthLaunchRequest request = {
        .event = event,
        .program = program,
        .name = "berth-network",
        .mode = mode,
        .id = id,
        .pid = pid,
        .config = -1,
        .target = networks,
        BERTH_LAUNCH_NO_DESCRIPTORS,
    };

    return program >= 0 && spawn_without_socket(request, pidfd, error);
}

bool berth_launcher_spawn_poststop_hooks(sd_event *event, int program, const char *id,
                                         int directory, GError **error) {
    berth_autofd int config = berth_container_setup_open(directory, id, error);
    berth_autofd int pidfd = -1;
    const BerthLaunchRequest request = {
        .event = event,
        .program = program,
        .mode = "poststop",
        .id = id,
        .config = config,
        .target = directory,
        BERTH_LAUNCH_NO_DESCRIPTORS,
    };

    return config >= 0 && spawn_without_socket(request, &pidfd, error);
}
