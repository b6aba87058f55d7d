/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-archive: reads and writes image archives. Archives may come from anywhere: it has no
 * network and opens nothing, and what it extracts goes to pipes whose other end hashes it.
 */

#include "archive/archive.h"
#include "base/fd.h"
#include "frame/frame.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int fd;
    char *name;
    uint64_t limit, size;
    bool more, plain;
    BerthArchiveMember member;
} ArchiveJob;

/* A process handles one archive, and one job at a time: a job runs in a thread, and neither
 * libarchive's objects nor these are locked. */
typedef struct {
    BerthArchiveReader *reader;
    BerthArchiveWriter *writer;
    const ArchiveJob *running;
} ArchiveState;

static ArchiveState state;

static void free_archive_job(gpointer data) {
    ArchiveJob *job = data;

    berth_fd_clear(&job->fd);
    berth_archive_member_clear(&job->member);
    g_free(job->name);
    if (state.running == job)
        state.running = NULL;
    g_free(job);
}

static int archive_run_job(sd_bus_message *call, ArchiveJob *job, BerthJobRun run,
                           BerthJobReply reply, sd_bus_error *error) {
    if (state.running) {
        free_archive_job(job);
        return sd_bus_error_set(error, BERTH_ERROR_PREFIX "Busy",
                                "a worker accepts only one "
                                "job");
    }
    state.running = job;
    return berth_frame_run_job(call, "archive", job, run, reply, free_archive_job);
}

static ArchiveJob *archive_job_new(void) {
    ArchiveJob *job = g_new0(ArchiveJob, 1);

    job->fd = -1;
    return job;
}

/* The reader takes ownership of the descriptor, even if it cannot be made. */
static bool open_reader(void *data, GError **error) {
    ArchiveJob *job = data;

    state.reader = berth_archive_reader_new(berth_fd_steal(&job->fd), job->plain, error);
    return state.reader != NULL;
}

/* A process reads or writes a single archive: a second archive needs another process. */
static int method_open(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    ArchiveJob *job = archive_job_new();
    int plain, r;

    (void)userdata;
    if ((r = job->fd = berth_frame_read_client_fd(call)) < 0 ||
        (r = sd_bus_message_read(call, "b", &plain)) < 0 || state.reader || state.writer) {
        free_archive_job(job);
        return r < 0 ? r : -EBUSY;
    }
    job->plain = plain;
    return archive_run_job(call, job, open_reader, NULL, error);
}

static bool read_next_member(void *data, GError **error) {
    ArchiveJob *job = data;

    return berth_archive_reader_next(state.reader, &job->more, &job->member, error);
}

/* Names are bytes. One that is not text, or longer than a path, cannot be of interest; it is
 * returned as "". */
static const char *as_text(const char *name) {
    return name && strlen(name) < PATH_MAX && g_utf8_validate(name, -1, NULL) ? name : "";
}

static int reply_next(void *data, sd_bus_message *reply) {
    ArchiveJob *job = data;

    return sd_bus_message_append(reply, "bstsbb", job->more, as_text(job->member.name),
                                 job->member.size, as_text(job->member.target),
                                 job->member.is_hard_link, job->member.is_file);
}

/* A call in the wrong order, such as Next before Open, is a bug in berthd and gets no message of
 * its own. */
static int method_next(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    (void)userdata;
    if (!state.reader)
        return -EINVAL;
    return archive_run_job(call, archive_job_new(), read_next_member, reply_next, error);
}

/* job->fd is the writing end of a pipe, whose reader hashes the content. */
static bool extract_member(void *data, GError **error) {
    ArchiveJob *job = data;
    bool done = berth_archive_reader_extract(state.reader, job->fd, job->limit, &job->size, error);

    /* Closed now, so that the reader sees the end before the reply is sent. */
    berth_fd_clear(&job->fd);
    return done;
}

static int reply_size(void *data, sd_bus_message *reply) {
    return sd_bus_message_append(reply, "t", ((ArchiveJob *)data)->size);
}

static int method_extract(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    ArchiveJob *job = archive_job_new();
    int r;

    (void)userdata;
    if (!state.reader || (r = job->fd = berth_frame_read_fd(call)) < 0 ||
        (r = sd_bus_message_read(call, "t", &job->limit)) < 0) {
        free_archive_job(job);
        return -EINVAL;
    }
    return archive_run_job(call, job, extract_member, reply_size, error);
}

static bool create_archive(void *data, GError **error) {
    ArchiveJob *job = data;

    state.writer = berth_archive_writer_new(berth_fd_steal(&job->fd), error);
    return state.writer != NULL;
}

static int method_create(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    ArchiveJob *job = archive_job_new();
    int r;

    (void)userdata;
    if ((r = job->fd = berth_frame_read_client_fd(call)) < 0 || state.reader || state.writer) {
        free_archive_job(job);
        return r < 0 ? r : -EBUSY;
    }
    return archive_run_job(call, job, create_archive, NULL, error);
}

static bool archive_add_member(void *data, GError **error) {
    ArchiveJob *job = data;

    return berth_archive_writer_add(state.writer, job->name, job->size, job->fd, error);
}

static int method_add(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    ArchiveJob *job = archive_job_new();
    const char *name;
    int r;

    (void)userdata;
    if (!state.writer || (r = sd_bus_message_read(call, "st", &name, &job->size)) < 0 ||
        (r = job->fd = berth_frame_read_fd(call)) < 0) {
        free_archive_job(job);
        return -EINVAL;
    }
    job->name = g_strdup(name);
    return archive_run_job(call, job, archive_add_member, NULL, error);
}

/* Freeing the writer closes the output, so that the reader at its other end sees the end. */
static bool finish_archive(void *data, GError **error) {
    bool done = berth_archive_writer_finish(state.writer, error);

    (void)data;
    g_clear_pointer(&state.writer, berth_archive_writer_free);
    return done;
}

static int method_finish(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    (void)userdata;
    if (!state.writer)
        return -EINVAL;
    return archive_run_job(call, archive_job_new(), finish_archive, NULL, error);
}

static const sd_bus_vtable vtable[] = BERTH_FRAME_VTABLE(BERTH_ARCHIVE_MEMBERS);

int main(void) {
    return berth_frame_main("archive", vtable);
}
