/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The process of a worker: it is cloned, later killed, and reaped by the event loop. It has no
 * object here while it runs: its PID is in the BerthWorker.
 *
 * A killed worker may not end immediately if it is inside a system call on a user's file system. It
 * then exists without its BerthWorker, as a KilledWorker that the event loop reaps, and counts
 * towards its user's limit until it has ended (count_lingering).
 */

#include "worker/worker-process.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/worker-members.h"
#include "config.h"
#include "worker/worker-words.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* A worker inside a system call on a user's file system may outlive its SIGKILL. */
enum { MAX_LINGERING = 8 };
static GHashTable *lingering; /* uid → number of workers that were killed and not reaped yet */

/* A worker that was killed, until it is reaped. */
typedef struct {
    char *kind;
    uid_t uid;
    int cloned; /* of a template: the file with the PID of a worker that nobody knows; or -1 */
    int words;  /* what it has written to its standard error; or -1 */
} KilledWorker;

static unsigned count_lingering(uid_t uid) {
    return lingering ? GPOINTER_TO_UINT(g_hash_table_lookup(lingering, GUINT_TO_POINTER(uid))) : 0;
}

static void add_lingering(uid_t uid, int change) {
    if (!lingering)
        lingering = g_hash_table_new(NULL, NULL);
    unsigned count = count_lingering(uid) + (unsigned)change;
    if (count > 0)
        g_hash_table_insert(lingering, GUINT_TO_POINTER(uid), GUINT_TO_POINTER(count));
    else
        g_hash_table_remove(lingering, GUINT_TO_POINTER(uid));
}

static void free_killed(KilledWorker *killed) {
    add_lingering(killed->uid, -1);
    berth_fd_clear(&killed->cloned);
    berth_worker_words_log(killed->words, killed->kind, NULL);
    berth_fd_clear(&killed->words);
    g_free(killed->kind);
    g_free(killed);
}

/* If a template dies between cloning a worker and replying with its PID, that worker is a child of
 * berthd that berthd does not know of, and would remain as a zombie. The file no longer changes
 * after the template has ended, and the PID of a child is not reused before it is reaped. */
static void kill_unknown_clone(const KilledWorker *killed, sd_event *event) {
    siginfo_t info;
    pid_t pid = 0;

    if (killed->cloned >= 0 && pread(killed->cloned, &pid, sizeof pid, 0) == sizeof pid &&
        pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
        berth_worker_process_kill(pid, event, killed->kind, killed->uid, -1);
}

/* The worker has ended. SIGKILL was sent by this file; any other signal is a crash, and is
 * logged. */
static int on_child(sd_event_source *source, const siginfo_t *info, void *userdata) {
    KilledWorker *killed = userdata;

    if (info->si_code != CLD_EXITED && info->si_status != SIGKILL)
        berth_log_warning(NULL, NULL, "berth-%s was ended by signal %d", killed->kind,
                          info->si_status);
    kill_unknown_clone(killed, sd_event_source_get_event(source));
    free_killed(killed);
    sd_event_source_unref(source);
    return 0;
}

bool berth_worker_process_check(uid_t uid, GError **error) {
    return uid == 0 || count_lingering(uid) < MAX_LINGERING ||
           berth_error_set(
               error, BERTH_ERROR_LIMIT_EXCEEDED,
               "%d workers of user %u still wait for a file system that does not answer",
               MAX_LINGERING, (unsigned)uid);
}

/* The memory of the parent that the child uses until it calls execve(2). */
typedef struct {
    char *path, *argument;
    char **environment;
    int namespaces; /* CLONE_NEW… flags */
    int socket, directory;
    int words;  /* its standard error */
    int errnum; /* of a failure in the child */
} ChildArguments;

/* Runs in the child, in the parent's memory: nothing that keeps state may be called. */
static int execute_worker(void *data) {
    ChildArguments *child = data;
    char *arguments[] = {child->path, child->argument, NULL};
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;

    /* Done before signals are unblocked: a handler of the parent would run in the parent's memory.
     * The child has its own dispositions, since CLONE_SIGHAND is not set. */
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &standard, NULL);
    sigemptyset(&none);
    if (dup2(child->words, STDERR_FILENO) >= 0 && dup2(child->socket, BERTH_WORKER_BUS_FD) >= 0 &&
        (child->directory < 0 || dup2(child->directory, BERTH_WORKER_DIRECTORY_FD) >= 0) &&
        sigprocmask(SIG_SETMASK, &none, NULL) == 0)
        execve(child->path, arguments, child->environment);
    child->errnum = errno;
    _exit(EXIT_FAILURE);
}

/* Does what posix_spawn() does, which cannot create a PID namespace. The worker is the only process
 * in its own, and can see, signal and trace no other. Its PID in berthd's namespace is that of any
 * child. */
static pid_t clone_child(ChildArguments *child) {
    enum { STACK_BYTES = 64 * 1024 };
    sigset_t all, before;
    void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

    if (stack == MAP_FAILED)
        return -1;
    /* No signal handler of the parent may run in the child. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    /* CLONE_VFORK: this returns when the child has called execve(2) or exited, so the stack can be
     * unmapped, and child->errnum is set. */
    pid_t pid = clone(execute_worker, (char *)stack + STACK_BYTES,
                      CLONE_VM | CLONE_VFORK | child->namespaces | SIGCHLD, child);
    int errnum = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    munmap(stack, STACK_BYTES);
    errno = errnum;
    return pid;
}

static void environment_add(GPtrArray *environment, const char *const *names) {
    for (; *names; names++)
        if (g_getenv(*names))
            g_ptr_array_add(environment, g_strconcat(*names, "=", g_getenv(*names), NULL));
}

/* The address of a proxy may contain a password, and only berth-fetch has the network. */
static char **make_environment(const char *kind, bool is_template) {
    static const char *const languages[] = {"LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", NULL};
    static const char *const proxies[] = {"http_proxy", "https_proxy", "no_proxy",
                                          "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
                                          "all_proxy",  "ALL_PROXY",   NULL};
    GPtrArray *environment = g_ptr_array_new();

    environment_add(environment, languages);
    if (g_str_equal(kind, "fetch"))
        environment_add(environment, proxies);
    /* Symbols are looked up once in the template, instead of in each of its workers. */
    if (is_template)
        g_ptr_array_add(environment, g_strdup("LD_BIND_NOW=1"));
    g_ptr_array_add(environment, NULL);
    return (char **)g_ptr_array_free(environment, FALSE);
}

/* The environment is built before the child exists, since the child must not allocate. A child that
 * failed to execute is reaped here, and its errno is the error. */
static pid_t process_start(const char *kind, ChildArguments *child, int *words, GError **error) {
    g_autofree char *path = g_strconcat(BERTH_LIBEXECDIR "/berth-", kind, NULL);
    g_auto(GStrv) environment =
        make_environment(kind, g_strcmp0(child->argument, BERTH_WORKER_TEMPLATE) == 0);
    berth_autofd int theirs = -1, ours = -1;

    if (!berth_worker_words_new(&ours, &theirs, error))
        return -1;
    child->words = theirs;
    child->path = path;
    child->environment = environment;
    pid_t pid = clone_child(child);
    int errnum = pid < 0 ? errno : child->errnum;
    if (pid > 0 && errnum != 0)
        waitpid(pid, NULL, 0);
    if (errnum == 0) {
        *words = berth_fd_steal(&ours);
        return pid;
    }
    berth_error_set_errno(error, errnum, "start %s", path);
    return -1;
}

pid_t berth_worker_process_start(const char *kind, uid_t uid, int socket, int directory, int *words,
                                 GError **error) {
    g_autofree char *uid_text = uid ? g_strdup_printf("%u", (unsigned)uid) : NULL;
    ChildArguments child = {
        .argument = uid_text, .namespaces = CLONE_NEWPID, .socket = socket, .directory = directory};

    return process_start(kind, &child, words, error);
}

/* Without a PID namespace: the template reports to berthd the PIDs of the processes that it clones,
 * each of which is in a namespace of its own. */
pid_t berth_worker_process_start_template(const char *kind, int socket, int cloned, int *words,
                                          GError **error) {
    char argument[] = BERTH_WORKER_TEMPLATE;
    ChildArguments child = {.argument = argument, .socket = socket, .directory = cloned};

    return process_start(kind, &child, words, error);
}

/* If there is no pidfd, or no event source for it, this waits for the end: otherwise a zombie would
 * remain. */
static void process_kill(pid_t pid, sd_event *event, const char *kind, uid_t uid, int cloned,
                         int words) {
    sd_event_source *source = NULL;
    berth_autofd int pidfd = syscall(SYS_pidfd_open, pid, 0);
    KilledWorker *killed = g_new0(KilledWorker, 1);

    *killed = (KilledWorker){g_strdup(kind), uid, cloned, words};
    add_lingering(uid, 1);
    kill(pid, SIGKILL);
    if (pidfd < 0 ||
        sd_event_add_child_pidfd(event, &source, pidfd, WEXITED, on_child, killed) < 0) {
        waitpid(pid, NULL, 0);
        kill_unknown_clone(killed, event);
        free_killed(killed);
        return;
    }
    sd_event_source_set_child_pidfd_own(source, 1);
    /* The default, SD_EVENT_ONESHOT, is replaced: the pidfd of a traced process is readable before
     * the tracer lets berthd wait for it, and sd-event would not look again. sd-event registers the
     * pidfd anew only after it was off. */
    sd_event_source_set_enabled(source, SD_EVENT_OFF);
    sd_event_source_set_enabled(source, SD_EVENT_ON);
    berth_fd_steal(&pidfd);
}

void berth_worker_process_kill(pid_t pid, sd_event *event, const char *kind, uid_t uid, int words) {
    process_kill(pid, event, kind, uid, -1, words);
}

void berth_worker_process_kill_template(pid_t pid, sd_event *event, const char *kind, int cloned,
                                        int words) {
    process_kill(pid, event, kind, 0, cloned, words);
}
