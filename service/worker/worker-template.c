/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A template belongs to one transfer, and has these states:
 *
 *   idle     it has no process: a small number of workers is executed directly, which is cheaper
 *   loading  its process is being executed and loaded; workers are executed directly meanwhile
 *   ready    its process waits for requests (frame/template.c)
 *   failed   its process has ended; all further workers are executed directly
 *
 * The process reads nothing but requests from berthd, so it is trusted like berthd. The workers
 * that it clones are berthd's children (CLONE_PARENT), each in its own PID namespace and in the
 * sandbox that it enters, as if it had been executed. They only share the addresses at which the
 * loader has placed the program in memory.
 */

#include "worker/worker-template.h"

#include "bare/rights.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/worker-members.h"
#include "worker/worker-process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* MIN_WORKERS: the first worker for which starting a template pays off. CLONE_TIMEOUT_MSEC: how
 * long berthd waits for a clone, as it also waits for an execve(2); after that, the worker is
 * executed directly. */
enum { MIN_WORKERS = 3, CLONE_TIMEOUT_MSEC = 1000 };

typedef enum { TEMPLATE_IDLE, TEMPLATE_LOADING, TEMPLATE_READY, TEMPLATE_FAILED } TemplateState;

struct BerthWorkerTemplate {
    sd_event *event;
    char *kind;
    TemplateState state;
    unsigned asked; /* number of workers requested while idle */
    pid_t pid;      /* 0: none */
    int socket;
    int cloned; /* where the kernel writes the PID of each worker (frame/template.c) */
    int words;  /* its standard error, which is also that of each worker */
};

BerthWorkerTemplate *berth_worker_template_new(sd_event *event, const char *kind) {
    BerthWorkerTemplate *template = g_new0(BerthWorkerTemplate, 1);

    template->event = sd_event_ref(event);
    template->kind = g_strdup(kind);
    template->socket = -1;
    template->cloned = -1;
    template->words = -1;
    return template;
}

static void template_end(BerthWorkerTemplate *template) {
    if (template->pid > 0)
        berth_worker_process_kill_template(template->pid, template->event, template->kind,
                                           berth_fd_steal(&template->cloned),
                                           berth_fd_steal(&template->words));
    template->pid = 0;
    berth_fd_clear(&template->socket);
    berth_fd_clear(&template->cloned);
}

void berth_worker_template_free(BerthWorkerTemplate *template) {
    if (!template)
        return;
    template_end(template);
    sd_event_unref(template->event);
    g_free(template->kind);
    g_free(template);
}

/* Workers are executed directly from now on. The process is killed, so that it does not clone one
 * later. */
static void template_give_up(BerthWorkerTemplate *template, const char *reason) {
    berth_log_warning(NULL, NULL, "The template of berth-%s cannot be used: %s", template->kind,
                      reason);
    template->state = TEMPLATE_FAILED;
    template_end(template);
}

/* A file in memory for one PID, 0 as yet. */
static bool template_make_file(BerthWorkerTemplate *template) {
    berth_autofd int file = memfd_create("berth-template", MFD_CLOEXEC);

    template->cloned = file < 0 ? -1 : fcntl(file, F_DUPFD_CLOEXEC, BERTH_WORKER_DIRECTORY_FD + 1);
    return template->cloned >= 0 && ftruncate(template->cloned, sizeof(pid_t)) == 0;
}

/* berthd has received the PID that is in the file. */
static bool template_forget_clone(const BerthWorkerTemplate *template) {
    pid_t none = 0;

    return pwrite(template->cloned, &none, sizeof none, 0) == sizeof none;
}

static void template_load(BerthWorkerTemplate *template) {
    g_autoptr(GError) error = NULL;
    int ends[2];

    if (!template_make_file(template) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        template_give_up(template, g_strerror(errno));
        return;
    }
    template->socket = ends[0];
    berth_autofd int low = ends[1];
    berth_autofd int theirs = fcntl(low, F_DUPFD_CLOEXEC, BERTH_WORKER_DIRECTORY_FD + 1);
    pid_t pid = berth_worker_process_start_template(template->kind, theirs, template->cloned,
                                                    &template->words, &error);
    if (pid < 0) {
        template_give_up(template, error->message);
        return;
    }
    template->pid = pid;
    template->state = TEMPLATE_LOADING;
}

/* Receives a message of the process: 0 when it has been loaded, and for each request a PID or a
 * negative errno. Returns NULL and sets *answer, or returns the reason for the failure. */
static const char *template_receive(BerthWorkerTemplate *template, int32_t *answer) {
    ssize_t size;

    do
        size = recv(template->socket, answer, sizeof *answer, MSG_DONTWAIT);
    while (size < 0 && errno == EINTR);
    if (size < 0)
        return g_strerror(errno);
    if (size != sizeof *answer)
        return "it has ended";
    return *answer < 0 ? g_strerror(-*answer) : NULL;
}

/* It may still be loading: then it has not sent anything. */
static void template_check(BerthWorkerTemplate *template) {
    struct pollfd answers = {.fd = template->socket, .events = POLLIN};
    int32_t answer;

    if (poll(&answers, 1, 0) != 1)
        return;
    const char *problem = template_receive(template, &answer);
    if (!problem && answer == 0)
        template->state = TEMPLATE_READY;
    else
        template_give_up(template, problem ? problem : "it sent a number");
}

/* Sends one descriptor per message: first that of the bus, then that of the directory. */
static bool template_send(BerthWorkerTemplate *template, int fd) {
    char letter = 'd';
    struct iovec part = {&letter, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    BerthRights rights;

    berth_rights_add(&message, &rights, fd);
    return sendmsg(template->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

pid_t berth_worker_template_clone(BerthWorkerTemplate *template, int socket, int directory) {
    struct pollfd answers;
    int32_t answer;

    if (template->state == TEMPLATE_IDLE && ++template->asked >= MIN_WORKERS)
        template_load(template);
    else if (template->state == TEMPLATE_LOADING)
        template_check(template);
    if (template->state != TEMPLATE_READY)
        return 0;
    /* It does not clone a process before it has received both. */
    if (!template_send(template, socket) || !template_send(template, directory)) {
        template_give_up(template, g_strerror(errno));
        return 0;
    }
    answers = (struct pollfd){.fd = template->socket, .events = POLLIN};
    const char *problem = poll(&answers, 1, CLONE_TIMEOUT_MSEC) == 1
                              ? template_receive(template, &answer)
                              : "it does not answer";
    if (!problem && !template_forget_clone(template))
        problem = g_strerror(errno);
    if (!problem)
        return answer;
    template_give_up(template, problem);
    return 0;
}
