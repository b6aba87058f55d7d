/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A worker is owned by the job that needs it, and is: starting, while its sandbox has not been
 * entered and calls wait; serving, once its bus connection is established; dead, when its socket is
 * closed, after which every call fails. Freeing it kills it in any state; worker-process.c reaps
 * it.
 *
 * A worker answers each call once, without descriptors, and sends nothing else: one that does is
 * considered compromised, and is killed. Longer messages than any reply do not even reach sd-bus
 * (worker-input.c).
 */

#include "worker/worker.h"

#include "base/fd.h"
#include "base/log.h"
#include "worker/replies.h"
#include "worker/worker-input.h"
#include "worker/worker-process.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* Since Linux 6.16, newer than the headers of some systems on which Berth is built. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

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
    BERTH_SIGNATURE_MEMBERS(DEFINE_MEMBER)
    BERTH_UNPACK_MEMBERS(DEFINE_MEMBER)
    // clang-format on
};

/* No timeout: a call is answered when its work is done, which has limits of its own. */
#define CALL_TIMEOUT_USEC UINT64_MAX

typedef struct {
    BerthWorker *worker;
    const Member *member;
    sd_bus_message *waiting; /* until the connection is established */
    sd_bus_slot *slot;
    sd_event_source *failed; /* set instead of slot if sending failed */
    int errnum;
    BerthWorkerReply reply;
    void *userdata;
} Call;

struct BerthWorker {
    char *kind;
    sd_event *event;
    sd_bus *bus;
    BerthWorkerInput *input; /* of the bus */
    pid_t pid;
    int words;                       /* its standard error; -1: that of its template */
    bool breached;                   /* it has sent an unexpected message */
    uid_t uid;                       /* the user it runs for; 0: the service */
    GPtrArray *calls;                /* of Call: unanswered calls */
    void (*serving)(void *userdata); /* NULL: nobody waits, or it was called */
    void *userdata;
};

/* Dropping the slot, or the source, cancels the callback: after berth_worker_free() there are
 * none. */
static void free_call(gpointer data) {
    Call *call = data;

    sd_bus_message_unref(call->waiting);
    sd_bus_slot_unref(call->slot);
    if (call->failed)
        sd_event_source_disable_unref(call->failed);
    g_free(call);
}

static int on_connected(sd_bus_message *signal, void *userdata, sd_bus_error *error);
static int worker_on_disconnected(sd_bus_message *signal, void *userdata, sd_bus_error *error);

static int watch_bus(BerthWorker *worker, const char *member, sd_bus_message_handler_t handler) {
    return sd_bus_match_signal_async(worker->bus, NULL, NULL, "/org/freedesktop/DBus/Local",
                                     "org.freedesktop.DBus.Local", member, handler, NULL, worker);
}

/* The process is killed by its PID, which cannot be reused until berth_worker_free() has it reaped;
 * its calls then fail like those of any dead worker. */
static void on_breach(void *userdata) {
    BerthWorker *worker = userdata;

    if (!worker->breached)
        berth_log_warning(NULL, NULL,
                          "berth-%s sent a message that was not asked for and is killed",
                          worker->kind);
    worker->breached = true;
    kill(worker->pid, SIGKILL);
}

/* A filter of sd-bus that sees every message that is not a reply to a call. */
static int on_other_message(sd_bus_message *message, void *userdata, sd_bus_error *error) {
    const char *interface = sd_bus_message_get_interface(message);

    (void)error;
    /* sd-bus itself reports events of the connection like this. */
    if (interface && g_str_equal(interface, "org.freedesktop.DBus.Local"))
        return 0;
    on_breach(userdata);
    return 1;
}

/* Closing a descriptor chosen by a worker may block, on a file system that does not answer. Newer
 * kernels refuse to send one (unix(7)); older ones do not. */
static void refuse_descriptors(int socket) {
    const int no = 0;

    (void)setsockopt(socket, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof no);
}

/* Takes ownership of the socket. The bus owns it once sd_bus_set_fd() has succeeded. */
static bool worker_connect_bus(BerthWorker *worker, int socket, GError **error) {
    berth_autofd int output = socket, input = -1;
    int r;

    refuse_descriptors(socket);
    worker->input = berth_worker_input_new(worker->event, socket, &input, on_breach, worker, error);
    if (!worker->input)
        return false;
    if ((r = sd_bus_new(&worker->bus)) < 0 || (r = sd_bus_set_fd(worker->bus, input, output)) < 0)
        return berth_error_set_errno(error, r, "communicate with berth-%s", worker->kind);
    berth_fd_steal(&input);
    berth_fd_steal(&output);
    if ((r = sd_bus_set_anonymous(worker->bus, 1)) < 0 ||
        (r = sd_bus_negotiate_fds(worker->bus, 1)) < 0 ||
        (r = sd_bus_set_connected_signal(worker->bus, 1)) < 0 ||
        (r = sd_bus_add_filter(worker->bus, NULL, on_other_message, worker)) < 0 ||
        (r = watch_bus(worker, "Connected", on_connected)) < 0 ||
        (r = watch_bus(worker, "Disconnected", worker_on_disconnected)) < 0 ||
        (r = sd_bus_start(worker->bus)) < 0 ||
        (r = sd_bus_attach_event(worker->bus, worker->event, SD_EVENT_PRIORITY_NORMAL)) < 0)
        return berth_error_set_errno(error, r, "communicate with berth-%s", worker->kind);
    return true;
}

/* The child gets descriptors below 5 by number. The originals must not have such a number: the
 * second dup2(2) could overwrite one, and duplicating a descriptor onto itself would leave
 * close-on-exec set. */
static int move_above_worker_fds(int fd) {
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, BERTH_WORKER_DIRECTORY_FD + 1);

    close(fd);
    return moved;
}

/* Of both ends, only the worker's loses close-on-exec, through dup2(2) in the child; no other child
 * of berthd inherits either of them. A PID of 0 means that the template has not cloned a
 * process. */
static pid_t worker_start_process(BerthWorker *worker, BerthWorkerTemplate *template, int directory,
                                  int *socket, GError **error) {
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0) {
        berth_error_set_errno(error, errno, "make a socket");
        return -1;
    }
    berth_autofd int theirs = move_above_worker_fds(sockets[1]);
    berth_autofd int ours = move_above_worker_fds(sockets[0]);
    berth_autofd int shared =
        directory < 0 ? -1 : fcntl(directory, F_DUPFD_CLOEXEC, BERTH_WORKER_DIRECTORY_FD + 1);
    pid_t pid = template ? berth_worker_template_clone(template, theirs, shared)
                         : berth_worker_process_start(worker->kind, worker->uid, theirs, shared,
                                                      &worker->words, error);
    if (pid > 0)
        *socket = berth_fd_steal(&ours);
    return pid;
}

static BerthWorker *worker_new(sd_event *event, const char *kind, BerthWorkerTemplate *template,
                               int directory, uid_t uid, GError **error) {
    g_autoptr(BerthWorker) worker = g_new0(BerthWorker, 1);
    int socket;

    worker->uid = uid;
    worker->words = -1;
    worker->kind = g_strdup(kind);
    worker->event = sd_event_ref(event);
    worker->calls = g_ptr_array_new_with_free_func(free_call);
    if (!berth_worker_process_check(uid, error))
        return NULL;
    if (template)
        worker->pid = worker_start_process(worker, template, directory, &socket, NULL);
    if (worker->pid <= 0)
        worker->pid = worker_start_process(worker, NULL, directory, &socket, error);
    if (worker->pid < 0 || !worker_connect_bus(worker, socket, error))
        return NULL;
    return g_steal_pointer(&worker);
}

BerthWorker *berth_worker_new(sd_event *event, const char *kind, int directory, GError **error) {
    return worker_new(event, kind, NULL, directory, 0, error);
}

BerthWorker *berth_worker_new_for_user(sd_event *event, const char *kind, int directory, uid_t uid,
                                       GError **error) {
    return worker_new(event, kind, NULL, directory, uid, error);
}

BerthWorker *berth_worker_new_from_template(sd_event *event, const char *kind,
                                            BerthWorkerTemplate *template, int directory,
                                            GError **error) {
    return worker_new(event, kind, template, directory, 0, error);
}

void berth_worker_limit_files(const BerthWorker *worker, uint64_t bytes) {
    const struct rlimit limit = {bytes, bytes};

    (void)prlimit(worker->pid, RLIMIT_FSIZE, &limit, NULL);
}

void berth_worker_when_serving(BerthWorker *worker, void (*serving)(void *userdata),
                               void *userdata) {
    worker->serving = serving;
    worker->userdata = userdata;
}

/* The calls are freed first, so that closing the bus does not report them as failed. */
void berth_worker_free(BerthWorker *worker) {
    if (!worker)
        return;
    g_clear_pointer(&worker->calls, g_ptr_array_unref);
    if (worker->bus) {
        sd_bus_detach_event(worker->bus);
        sd_bus_close(worker->bus);
        sd_bus_unref(worker->bus);
    }
    berth_worker_input_free(worker->input);
    if (worker->pid > 0)
        berth_worker_process_kill(worker->pid, worker->event, worker->kind, worker->uid,
                                  worker->words);
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

/* The callback may free the worker, so the worker must not be used afterwards. */
static void finish_call(Call *call, sd_bus_message *message, const GError *error) {
    BerthWorkerReply reply = call->reply;
    void *userdata = call->userdata;

    g_ptr_array_remove_fast(call->worker->calls, call);
    reply(message, error, userdata);
}

/* The signature of the reply is compared with the table before anything reads it. If the worker
 * dies, sd-bus itself creates an error reply. */
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
    /* Otherwise sd-bus would continue with on_other_message(). */
    return 1;
}

static int on_not_sent(sd_event_source *source, void *userdata) {
    Call *call = userdata;
    g_autoptr(GError) error = NULL;

    (void)source;
    berth_error_set_errno(&error, call->errnum, "call berth-%s", call->worker->kind);
    finish_call(call, NULL, error);
    return 0;
}

/* The callback runs in the next iteration of the loop, as for a call that was sent: a caller never
 * sees it before its own function has returned. */
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
    void (*serving)(void *userdata) = worker->serving;

    (void)signal;
    (void)error;
    for (guint i = 0; i < worker->calls->len; i++) {
        Call *call = worker->calls->pdata[i];
        g_autoptr(sd_bus_message) message = g_steal_pointer(&call->waiting);
        if (message)
            send_now(call, message);
    }
    worker->serving = NULL;
    /* Last, since it may free the worker. */
    if (serving)
        serving(worker->userdata);
    return 0;
}

/* sd-bus itself fails the calls that were sent; those that still wait for the worker are failed
 * here. */
static int worker_on_disconnected(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    BerthWorker *worker = userdata;

    (void)signal;
    (void)error;
    /* It has a duplicate of the socket: the worker must see the end, too. */
    g_clear_pointer(&worker->input, berth_worker_input_free);
    for (guint i = 0; i < worker->calls->len; i++) {
        Call *call = worker->calls->pdata[i];
        if (!call->waiting)
            continue;
        g_clear_pointer(&call->waiting, sd_bus_message_unref);
        fail_later(call, -ECONNRESET);
    }
    return 0;
}

/* A value that could not be appended, such as text that is not UTF-8, leaves a call with another
 * signature; the worker would refuse it with a less helpful error. */
static bool is_filled(const Member *member, sd_bus_message *message) {
    return message && g_str_equal(sd_bus_message_get_signature(message, true), member->call);
}

/* Takes ownership of message. A failure is always reported through reply, in a later iteration of
 * the loop. */
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
    /* When a message has descriptors, sd-bus blocks until the peer has agreed to receive them. A
     * worker may be slow to do so: its sandbox enters a directory that may be on a user's file
     * system. */
    if (sd_bus_is_open(worker->bus) > 0 && sd_bus_is_ready(worker->bus) <= 0)
        call->waiting = g_steal_pointer(&owned);
    else
        send_now(call, owned);
}
