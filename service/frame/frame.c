/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The worker's process: its loop, its bus and its jobs, in one static object that lives as long as
 * the process. Only the thread of the loop uses sd-bus. A job belongs to its thread while it runs;
 * then its pointer is sent through a pipe to the loop, which answers the call and frees the job.
 *
 * The order of the start decides what hostile input can reach: the descriptors that the process
 * needs are opened first, then the sandbox is entered, and the first message is read last.
 */

#include "frame/frame.h"

#include "bare/envelope.h"
#include "base/fd.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_JOBS = 64, MAX_ARENAS = 2, STACK_BYTES = 1024 * 1024 };

struct BerthFrame {
    sd_event *event;
    sd_bus *bus;
    int finished[2]; /* a pipe of pointers to finished jobs */
    unsigned jobs;
};

typedef struct {
    BerthFrame *frame;
    sd_bus_message *call;
    void *job;
    BerthJobRun run;
    BerthJobReply reply;
    GDestroyNotify free_job;
    GError *error;
} Job;

static BerthFrame the_frame = {.finished = {-1, -1}};

BerthFrame *berth_frame_get(void) {
    return &the_frame;
}

sd_event *berth_frame_get_event(BerthFrame *frame) {
    return frame->event;
}

int berth_frame_read_fd(sd_bus_message *message) {
    int fd;
    int r = sd_bus_message_read(message, "h", &fd);

    if (r < 0)
        return r;
    /* The message closes its own descriptors. The copy gets a number above the fixed ones. */
    fd = fcntl(fd, F_DUPFD_CLOEXEC, BERTH_WORKER_DIRECTORY_FD + 1);
    return fd < 0 ? -errno : fd;
}

int berth_frame_read_client_fd(sd_bus_message *message) {
    int envelope;
    int r = sd_bus_message_read(message, "h", &envelope);

    if (r < 0)
        return r;
    int fd = berth_envelope_open(envelope);
    return fd < 0 ? -errno : fd;
}

static void answer_job(Job *job) {
    g_autoptr(sd_bus_message) reply = NULL;
    int r;

    if (job->error) {
        r = berth_bus_reply_error(job->call, job->error);
    } else {
        r = sd_bus_message_new_method_return(job->call, &reply);
        if (r >= 0 && job->reply)
            r = job->reply(job->job, reply);
        if (r >= 0)
            r = sd_bus_send(NULL, reply, NULL);
    }
    if (r < 0)
        fprintf(stderr, "cannot answer the service: %s\n", g_strerror(-r));
}

static void free_frame_job(Job *job) {
    sd_bus_message_unref(job->call);
    if (job->free_job)
        job->free_job(job->job);
    g_clear_error(&job->error);
    g_free(job);
}

/* Runs in the thread of the loop. The job's thread has sent the pointer and no longer uses the
 * job. */
static int on_finished(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    BerthFrame *frame = userdata;
    Job *job;

    (void)source;
    (void)events;
    if (read(fd, &job, sizeof job) != sizeof job)
        return 0;
    frame->jobs--;
    answer_job(job);
    free_frame_job(job);
    return 0;
}

static gpointer run_in_thread(gpointer data) {
    Job *job = data;

    if (!job->run(job->job, &job->error) && !job->error)
        berth_error_set(&job->error, BERTH_ERROR_INTERNAL, "failed; no reason given");
    /* A pointer is smaller than PIPE_BUF, so it is written completely or not at all. */
    if (!berth_fd_write_all(job->frame->finished[1], &job, sizeof job))
        abort();
    return NULL;
}

int berth_frame_run_job(sd_bus_message *call, const char *name, void *data, BerthJobRun run,
                        BerthJobReply reply, GDestroyNotify free_data) {
    g_autoptr(GError) error = NULL;
    Job *job = g_new0(Job, 1);

    *job = (Job){.frame = &the_frame,
                 .call = sd_bus_message_ref(call),
                 .job = data,
                 .run = run,
                 .reply = reply,
                 .free_job = free_data};
    g_autoptr(GThread) thread = NULL;
    if (the_frame.jobs >= MAX_JOBS)
        berth_error_set(&error, BERTH_ERROR_LIMIT_EXCEEDED, "too many jobs in one worker");
    else
        thread = g_thread_try_new(name, run_in_thread, job, &error);
    /* A job that has not started is not counted: on_finished() decrements the count. */
    if (!thread) {
        int r = berth_bus_reply_error(call, error);
        free_frame_job(job);
        return r;
    }
    the_frame.jobs++;
    return 1;
}

static int frame_on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error) {
    (void)message;
    (void)userdata;
    (void)error;
    /* berthd has exited or no longer needs this worker: the results of its jobs are not wanted. */
    _exit(EXIT_SUCCESS);
}

/* No message is handled before sd_event_loop(). The bus is marked as trusted because the socket
 * leads only to berthd; otherwise sd-bus would check the peer's capabilities for each method
 * (sd_bus_set_trusted(3)). */
static bool start_bus(BerthFrame *frame, const sd_bus_vtable *vtable, void *userdata,
                      GError **error) {
    sd_id128_t id;
    int r;

    if ((r = sd_id128_randomize(&id)) < 0 || (r = sd_bus_new(&frame->bus)) < 0 ||
        (r = sd_bus_set_fd(frame->bus, BERTH_WORKER_BUS_FD, BERTH_WORKER_BUS_FD)) < 0 ||
        (r = sd_bus_set_server(frame->bus, 1, id)) < 0 ||
        (r = sd_bus_set_anonymous(frame->bus, 1)) < 0 ||
        (r = sd_bus_set_trusted(frame->bus, 1)) < 0 ||
        (r = sd_bus_negotiate_fds(frame->bus, 1)) < 0 ||
        (r = sd_bus_add_object_vtable(frame->bus, NULL, BERTH_WORKER_PATH, BERTH_WORKER_INTERFACE,
                                      vtable, userdata)) < 0 ||
        (r = sd_bus_match_signal_async(frame->bus, NULL, NULL, "/org/freedesktop/DBus/Local",
                                       "org.freedesktop.DBus.Local", "Disconnected",
                                       frame_on_disconnected, NULL, frame)) < 0 ||
        (r = sd_bus_start(frame->bus)) < 0 ||
        (r = sd_bus_attach_event(frame->bus, frame->event, SD_EVENT_PRIORITY_NORMAL)) < 0)
        return berth_error_set_errno(error, r, "serve the service's socket");
    return true;
}

static bool frame_start(BerthFrame *frame, const BerthSandbox *sandbox, GError **error) {
    int r;

    /* Before the sandbox is entered: these open descriptors and read nothing from outside. */
    if ((r = sd_event_new(&frame->event)) < 0)
        return berth_error_set_errno(error, r, "make an event loop");
    if (pipe2(frame->finished, O_CLOEXEC) < 0)
        return berth_error_set_errno(error, errno, "make a pipe");
    if ((r = sd_event_add_io(frame->event, NULL, frame->finished[0], EPOLLIN, on_finished, frame)) <
        0)
        return berth_error_set_errno(error, r, "watch jobs");
    berth_sandbox_offer_to_oom_killer();
    if (!berth_envelopes_open(BERTH_WORKER_DIRECTORY_FD, 1))
        return berth_error_set_errno(error, errno, "open the directory");
    if (!berth_sandbox_enter(sandbox, BERTH_WORKER_DIRECTORY_FD, error))
        return false;
    /* The descriptor still refers to the mount on which it was opened; from there, ".." leads out
     * of the root. */
    if (sandbox->files == BERTH_FILES_ONE_DIRECTORY)
        close(BERTH_WORKER_DIRECTORY_FD);
    return true;
}

/* Jobs are threads, and the address space is limited (sandbox.c): with a stack of 8 MiB and an
 * arena of 64 MiB each, a dozen of them would reach the limit. */
static bool limit_threads(GError **error) {
    pthread_attr_t attributes;

    mallopt(M_ARENA_MAX, MAX_ARENAS);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int r = pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
    return r == 0 || berth_error_set_errno(error, r, "set the size of stacks");
}

int berth_frame_run(const BerthSandbox *sandbox, const sd_bus_vtable *vtable,
                    bool (*prepare)(BerthFrame *frame, void *userdata, GError **error),
                    void *userdata) {
    g_autoptr(GError) error = NULL;
    BerthFrame *frame = &the_frame;

    /* Writing to a pipe without a reader, or more than a file may have, must be an error of that
     * job and not end the worker. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (fcntl(BERTH_WORKER_BUS_FD, F_SETFD, FD_CLOEXEC) < 0) {
        fprintf(stderr, "%s is started by berthd, not by hand\n", g_get_prgname());
        return EXIT_FAILURE;
    }
    if (!limit_threads(&error) || !frame_start(frame, sandbox, &error) ||
        (prepare && !prepare(frame, userdata, &error)) ||
        !start_bus(frame, vtable, userdata, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return EXIT_FAILURE;
    }
    int r = sd_event_loop(frame->event);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int berth_frame_main(const char *worker, const sd_bus_vtable *vtable) {
    g_autofree char *name = g_strconcat("berth-", worker, NULL);

    g_set_prgname(name);
    return berth_frame_run(berth_sandbox_find(worker), vtable, NULL, NULL);
}
