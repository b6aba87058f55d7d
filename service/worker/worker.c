/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A worker is owned by the job that needs it and lives as long: starting, while its box is not
 * entered and calls wait; serving, once it has spoken; dead, when its socket closes, after which
 * every call fails. Freeing it kills it in any of these.
 *
 * A killed worker may not end at once, if it is inside a system call on a user's file system. It
 * then exists without its BerthWorker, as a Killed that the event loop reaps, and counts against
 * its user until it is gone (count_lingering).
 */

#include "worker/worker.h"

#include "base/fd.h"
#include "base/log.h"
#include "config.h"
#include "worker/replies.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

typedef struct {
    const char *name, *call, *reply;
} Member;

#define DEFINE_MEMBER(constant, handler, name, call, reply) [constant] = {name, call, reply},
static const Member members[] = {
    // clang-format off
    BERTH_ARCHIVE_MEMBERS(DEFINE_MEMBER)
    BERTH_FETCH_MEMBERS(DEFINE_MEMBER)
    BERTH_INGEST_MEMBERS(DEFINE_MEMBER)
    BERTH_INSPECT_MEMBERS(DEFINE_MEMBER)
    BERTH_JOURNAL_MEMBERS(DEFINE_MEMBER)
    BERTH_SCREEN_MEMBERS(DEFINE_MEMBER)
    BERTH_UNPACK_MEMBERS(DEFINE_MEMBER)
    // clang-format on
};

/* No timeout: a call is answered when its work is done, which has limits of its own. */
#define CALL_TIMEOUT_USEC UINT64_MAX

/* A worker in a system call of a user's file system may outlive its SIGKILL. */
enum { MAX_LINGERING = 8 };
static GHashTable *lingering; /* uid → how many workers for it are killed and not reaped yet */

typedef struct {
    BerthWorker *worker;
    const Member *member;
    sd_bus_message *waiting; /* until the worker speaks */
    sd_bus_slot *slot;
    sd_event_source *failed; /* set instead of slot when sending failed */
    int errnum;
    BerthWorkerReply reply;
    void *userdata;
} Call;

struct BerthWorker {
    char *kind;
    sd_event *event;
    sd_bus *bus;
    pid_t pid;
    uid_t uid;        /* runs for this user; 0 for the service */
    GPtrArray *calls; /* of Call, those unanswered */
};

/* One that was killed, until it is reaped. */
typedef struct {
    char *kind;
    uid_t uid;
} Killed;

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

static void free_killed(Killed *killed) {
    add_lingering(killed->uid, -1);
    g_free(killed->kind);
    g_free(killed);
}

/* A worker that was killed and is not reaped yet. */
static int on_child(sd_event_source *source, const siginfo_t *info, void *userdata) {
    Killed *killed = userdata;

    if (info->si_code != CLD_EXITED && info->si_status != SIGKILL)
        berth_log_warning(NULL, NULL, "berth-%s was ended by signal %d", killed->kind,
                          info->si_status);
    free_killed(killed);
    sd_event_source_unref(source);
    return 0;
}

static void free_call(gpointer data) {
    Call *call = data;

    sd_bus_message_unref(call->waiting);
    sd_bus_slot_unref(call->slot);
    if (call->failed)
        sd_event_source_disable_unref(call->failed);
    g_free(call);
}

/* The memory of the parent that the child uses until it executes. */
typedef struct {
    char *path, *uid;
    char **environment;
    int socket, directory;
    int errnum; /* of what failed in the child */
} Birth;

/* Runs in the child, in the parent's memory: nothing may be called that keeps state. */
static int execute_worker(void *data) {
    Birth *birth = data;
    char *arguments[] = {birth->path, birth->uid, NULL};
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;

    /* Before signals are unblocked: a handler of the parent would run in its memory. The
     * dispositions are the child's own, since CLONE_SIGHAND is not set. */
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &standard, NULL);
    sigemptyset(&none);
    if (dup2(birth->socket, BERTH_WORKER_BUS_FD) >= 0 &&
        (birth->directory < 0 || dup2(birth->directory, BERTH_WORKER_DIRECTORY_FD) >= 0) &&
        sigprocmask(SIG_SETMASK, &none, NULL) == 0)
        execve(birth->path, arguments, birth->environment);
    birth->errnum = errno;
    _exit(EXIT_FAILURE);
}

/* As posix_spawn() does, which has no way to ask for a pid namespace: the worker is the only
 * process in its own, and sees, signals and traces no other. Its pid here is that of any child. */
static pid_t clone_child(Birth *birth) {
    enum { STACK_BYTES = 64 * 1024 };
    sigset_t all, before;
    void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

    if (stack == MAP_FAILED)
        return -1;
    /* No handler of the parent may run in the child. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    /* CLONE_VFORK: this returns when the child has executed or ended, so the stack can be unmapped
     * and birth->errnum is set. */
    pid_t pid = clone(execute_worker, (char *)stack + STACK_BYTES,
                      CLONE_VM | CLONE_VFORK | CLONE_NEWPID | SIGCHLD, birth);
    int errnum = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    munmap(stack, STACK_BYTES);
    errno = errnum;
    return pid;
}

static bool spawn_worker(BerthWorker *worker, int socket, int directory, GError **error) {
    g_autofree char *path = g_strconcat(BERTH_LIBEXECDIR "/berth-", worker->kind, NULL);
    char *environment[32] = {NULL};
    static const char *const passed[] = {"http_proxy",  "https_proxy", "no_proxy",  "HTTP_PROXY",
                                         "HTTPS_PROXY", "NO_PROXY",    "all_proxy", "ALL_PROXY",
                                         "LANG",        "LANGUAGE",    "LC_ALL",    "LC_MESSAGES"};
    g_autofree char *uid = worker->uid ? g_strdup_printf("%u", (unsigned)worker->uid) : NULL;
    Birth birth = {path, uid, environment, socket, directory, 0};
    size_t count = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(passed); i++)
        if (g_getenv(passed[i]))
            environment[count++] = g_strconcat(passed[i], "=", g_getenv(passed[i]), NULL);
    pid_t pid = clone_child(&birth);
    int errnum = pid < 0 ? errno : birth.errnum;
    for (size_t i = 0; i < count; i++)
        g_free(environment[i]);
    if (pid > 0 && errnum != 0)
        waitpid(pid, NULL, 0);
    if (errnum != 0)
        return berth_error_set_errno(error, errnum, "start %s", path);
    worker->pid = pid;
    return true;
}

static int on_connected(sd_bus_message *signal, void *userdata, sd_bus_error *error);
static int on_disconnected(sd_bus_message *signal, void *userdata, sd_bus_error *error);

static int watch_bus(BerthWorker *worker, const char *member, sd_bus_message_handler_t handler) {
    return sd_bus_match_signal_async(worker->bus, NULL, NULL, "/org/freedesktop/DBus/Local",
                                     "org.freedesktop.DBus.Local", member, handler, NULL, worker);
}

/* The bus owns the socket once sd_bus_set_fd() succeeds; before, it is closed here. */
static bool connect_bus(BerthWorker *worker, int socket, GError **error) {
    int r;

    if ((r = sd_bus_new(&worker->bus)) < 0 ||
        (r = sd_bus_set_fd(worker->bus, socket, socket)) < 0) {
        close(socket);
        return berth_error_set_errno(error, r, "speak to berth-%s", worker->kind);
    }
    if ((r = sd_bus_set_anonymous(worker->bus, 1)) < 0 ||
        (r = sd_bus_negotiate_fds(worker->bus, 1)) < 0 ||
        (r = sd_bus_set_connected_signal(worker->bus, 1)) < 0 ||
        (r = watch_bus(worker, "Connected", on_connected)) < 0 ||
        (r = watch_bus(worker, "Disconnected", on_disconnected)) < 0 ||
        (r = sd_bus_start(worker->bus)) < 0 ||
        (r = sd_bus_attach_event(worker->bus, worker->event, SD_EVENT_PRIORITY_NORMAL)) < 0)
        return berth_error_set_errno(error, r, "speak to berth-%s", worker->kind);
    return true;
}

/* Descriptors below 5 are given to the child by number. A source must not be one of them: the other
 * dup2(2) could overwrite it, and one onto itself would leave close-on-exec set. */
static int move_up(int fd) {
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, BERTH_WORKER_DIRECTORY_FD + 1);

    close(fd);
    return moved;
}

BerthWorker *berth_worker_new_for_user(sd_event *event, const char *kind, int directory, uid_t uid,
                                       GError **error) {
    g_autoptr(BerthWorker) worker = g_new0(BerthWorker, 1);
    int sockets[2];

    worker->uid = uid;
    worker->kind = g_strdup(kind);
    worker->event = sd_event_ref(event);
    worker->calls = g_ptr_array_new_with_free_func(free_call);
    if (uid != 0 && count_lingering(uid) >= MAX_LINGERING) {
        berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                        "%d workers of user %u still wait for a file system that does not answer",
                        MAX_LINGERING, (unsigned)uid);
        return NULL;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0) {
        berth_error_set_errno(error, errno, "make a socket");
        return NULL;
    }
    berth_autofd int theirs = move_up(sockets[1]);
    berth_autofd int shared =
        directory < 0 ? -1 : fcntl(directory, F_DUPFD_CLOEXEC, BERTH_WORKER_DIRECTORY_FD + 1);
    int ours = move_up(sockets[0]);
    if (!spawn_worker(worker, theirs, shared, error)) {
        close(ours);
        return NULL;
    }
    if (!connect_bus(worker, ours, error))
        return NULL;
    return g_steal_pointer(&worker);
}

BerthWorker *berth_worker_new(sd_event *event, const char *kind, int directory, GError **error) {
    return berth_worker_new_for_user(event, kind, directory, 0, error);
}

/* A killed worker may take long to end, so the event loop reaps it after its object is freed. */
static void reap_later(BerthWorker *worker) {
    sd_event_source *source = NULL;
    berth_autofd int pidfd = syscall(SYS_pidfd_open, worker->pid, 0);
    Killed *killed = g_new0(Killed, 1);

    *killed = (Killed){g_strdup(worker->kind), worker->uid};
    add_lingering(worker->uid, 1);
    kill(worker->pid, SIGKILL);
    if (pidfd < 0 ||
        sd_event_add_child_pidfd(worker->event, &source, pidfd, WEXITED, on_child, killed) < 0) {
        waitpid(worker->pid, NULL, 0);
        free_killed(killed);
        return;
    }
    sd_event_source_set_child_pidfd_own(source, 1);
    berth_fd_steal(&pidfd);
}

void berth_worker_free(BerthWorker *worker) {
    if (!worker)
        return;
    g_clear_pointer(&worker->calls, g_ptr_array_unref);
    if (worker->bus) {
        sd_bus_detach_event(worker->bus);
        sd_bus_close(worker->bus);
        sd_bus_unref(worker->bus);
    }
    if (worker->pid > 0)
        reap_later(worker);
    sd_event_unref(worker->event);
    g_free(worker->kind);
    g_free(worker);
}

const char *berth_worker_member_get_signature(BerthWorkerMember member) {
    return members[member].call;
}

sd_bus_message *berth_worker_new_call(BerthWorker *worker, BerthWorkerMember member) {
    sd_bus_message *call = NULL;

    if (sd_bus_message_new_method_call(worker->bus, &call, NULL, BERTH_WORKER_PATH,
                                       BERTH_WORKER_INTERFACE, members[member].name) < 0)
        return NULL;
    return call;
}

/* The callback may free the worker, so nothing of it is touched afterwards. */
static void finish_call(Call *call, sd_bus_message *message, const GError *error) {
    BerthWorkerReply reply = call->reply;
    void *userdata = call->userdata;

    g_ptr_array_remove_fast(call->worker->calls, call);
    reply(message, error, userdata);
}

static int on_reply(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
    Call *call = userdata;
    g_autoptr(GError) error = NULL;
    g_autofree char *whose = g_strconcat("berth-", call->worker->kind, " died", NULL);
    /* The callback may free the worker and its bus. */
    g_autoptr(sd_bus_message) kept = sd_bus_message_ref(message);

    (void)ret_error;
    bool good = berth_bus_check_reply(kept, whose, &error) &&
                (sd_bus_message_has_signature(kept, call->member->reply) ||
                 berth_reply_set_malformed(call->worker->kind, &error));
    finish_call(call, good ? kept : NULL, error);
    return 0;
}

static int on_not_sent(sd_event_source *source, void *userdata) {
    Call *call = userdata;
    g_autoptr(GError) error = NULL;

    (void)source;
    berth_error_set_errno(&error, call->errnum, "call berth-%s", call->worker->kind);
    finish_call(call, NULL, error);
    return 0;
}

/* The callback comes in the next turn of the loop, like that of a call that was sent: a caller
 * never sees it before its own function returns. */
static void fail_later(Call *call, int errnum) {
    call->errnum = errnum;
    if (sd_event_add_defer(call->worker->event, &call->failed, on_not_sent, call) < 0)
        g_error("out of memory");
}

static void send_now(Call *call, sd_bus_message *message) {
    int r = sd_bus_call_async(call->worker->bus, &call->slot, message, on_reply, call,
                              CALL_TIMEOUT_USEC);

    if (r < 0)
        fail_later(call, r);
}

static int on_connected(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    BerthWorker *worker = userdata;

    (void)signal;
    (void)error;
    for (guint i = 0; i < worker->calls->len; i++) {
        Call *call = worker->calls->pdata[i];
        g_autoptr(sd_bus_message) message = g_steal_pointer(&call->waiting);
        if (message)
            send_now(call, message);
    }
    return 0;
}

/* sd-bus itself fails the calls that were sent; those that still wait for the worker are failed
 * here. */
static int on_disconnected(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    BerthWorker *worker = userdata;

    (void)signal;
    (void)error;
    for (guint i = 0; i < worker->calls->len; i++) {
        Call *call = worker->calls->pdata[i];
        if (!call->waiting)
            continue;
        g_clear_pointer(&call->waiting, sd_bus_message_unref);
        fail_later(call, -ECONNRESET);
    }
    return 0;
}

/* A value that could not be appended, such as text that is not UTF-8, leaves a call of another
 * signature, which the worker would refuse with less to say. */
static bool is_filled(const Member *member, sd_bus_message *message) {
    return message && g_str_equal(sd_bus_message_get_signature(message, true), member->call);
}

void berth_worker_send(BerthWorker *worker, BerthWorkerMember member, sd_bus_message *message,
                       BerthWorkerReply reply, void *userdata) {
    g_autoptr(sd_bus_message) owned = message;
    Call *call = g_new0(Call, 1);

    *call =
        (Call){.worker = worker, .member = &members[member], .reply = reply, .userdata = userdata};
    g_ptr_array_add(worker->calls, call);
    if (!is_filled(call->member, owned)) {
        fail_later(call, sd_bus_is_open(worker->bus) > 0 ? -EINVAL : -ENOTCONN);
        return;
    }
    /* sd-bus blocks on a message with descriptors until the peer has agreed to take them, and a
     * worker may be slow to do so: its box enters a directory that may be on a user's file system.
     */
    if (sd_bus_is_open(worker->bus) > 0 && sd_bus_is_ready(worker->bus) <= 0)
        call->waiting = g_steal_pointer(&owned);
    else
        send_now(call, owned);
}
