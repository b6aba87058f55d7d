/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-ingest: the only process that holds a writable descriptor of a stored file. It has no
 * network and cannot open anything; it receives a pipe to read from and the ingest file to write
 * to.
 */

#include "base/fd.h"
#include "frame/frame.h"
#include "ingest/ingest.h"
#include "ingest/secrets.h"

#include <errno.h>
#include <stdlib.h>

typedef struct {
    BerthIngest ingest;
    char *digest;
    uint64_t size;
} IngestJob;

/* Also runs if a call is refused, so that no descriptor outlives its job. */
static void free_ingest_job(gpointer data) {
    IngestJob *job = data;

    berth_fd_clear(&job->ingest.input);
    berth_fd_clear(&job->ingest.file);
    berth_fd_clear(&job->ingest.growth);
    g_free(job->digest);
    g_free(job);
}

static bool run_ingest(void *data, GError **error) {
    IngestJob *job = data;
    bool done = berth_ingest_run(&job->ingest, &job->digest, &job->size, error);

    /* Closed now, so that the reader of growth sees the end before the reply is sent. */
    berth_fd_clear(&job->ingest.growth);
    berth_fd_clear(&job->ingest.input);
    return done;
}

static int append_ingested(void *data, sd_bus_message *message) {
    IngestJob *job = data;

    return sd_bus_message_append(message, "st", job->digest, job->size);
}

/* berthd has checked the name (base/digest.h); a wrong one would result in a digest other than the
 * expected one. */
static BerthAlgorithm parse_algorithm(const char *name) {
    return g_str_equal(name, "sha512")   ? BERTH_ALGORITHM_SHA512
           : g_str_equal(name, "sha384") ? BERTH_ALGORITHM_SHA384
                                         : BERTH_ALGORITHM_SHA256;
}

static bool run_hash(void *data, GError **error) {
    IngestJob *job = data;

    return berth_ingest_hash(job->ingest.file, job->ingest.algorithm, &job->digest, &job->size,
                             error);
}

static int method_hash(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    IngestJob *job = g_new0(IngestJob, 1);
    const char *algorithm;
    int r;

    (void)userdata;
    (void)error;
    job->ingest.input = job->ingest.file = job->ingest.growth = -1;
    if ((r = job->ingest.file = berth_frame_read_fd(call)) < 0 ||
        (r = sd_bus_message_read(call, "s", &algorithm)) < 0) {
        free_ingest_job(job);
        return r;
    }
    job->ingest.algorithm = parse_algorithm(algorithm);
    return berth_frame_run_job(call, "hash", job, run_hash, append_ingested, free_ingest_job);
}

typedef struct {
    GPtrArray *names;
    GArray *inputs;
    int file;
    uint64_t each, all;
} Gathering;

static void free_gathering(gpointer data) {
    Gathering *gathering = data;

    for (guint i = 0; i < gathering->inputs->len; i++)
        berth_fd_clear(&g_array_index(gathering->inputs, int, i));
    g_array_unref(gathering->inputs);
    g_ptr_array_unref(gathering->names);
    berth_fd_clear(&gathering->file);
    g_free(gathering);
}

/* There are two limits: one for each secret, and one for the whole file, of which used has been
 * taken so far. */
static bool run_gathering(void *data, GError **error) {
    const Gathering *gathering = data;
    uint64_t used = 0;

    for (guint i = 0; i < gathering->names->len; i++) {
        uint64_t left = gathering->all - MIN(used, gathering->all);
        if (!berth_ingest_secret(gathering->file, gathering->names->pdata[i],
                                 g_array_index(gathering->inputs, int, i),
                                 MIN(gathering->each, left), &used, error))
            return false;
    }
    return true;
}

/* Descriptors that were read before an error are in gathering, which closes them. */
static int read_gathering(sd_bus_message *call, Gathering *gathering) {
    const char *name;
    int r = sd_bus_message_enter_container(call, 'a', "(sh)");

    while (r >= 0 && (r = sd_bus_message_enter_container(call, 'r', "sh")) > 0) {
        if ((r = sd_bus_message_read(call, "s", &name)) < 0)
            return r;
        int fd = berth_frame_read_client_fd(call);
        if (fd < 0)
            return fd;
        g_ptr_array_add(gathering->names, g_strdup(name));
        g_array_append_val(gathering->inputs, fd);
        r = sd_bus_message_exit_container(call);
    }
    if (r < 0 || (r = sd_bus_message_exit_container(call)) < 0 ||
        (r = gathering->file = berth_frame_read_fd(call)) < 0)
        return r;
    return sd_bus_message_read(call, "tt", &gathering->each, &gathering->all);
}

static int method_gather(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    Gathering *gathering = g_new0(Gathering, 1);
    int r;

    (void)userdata;
    (void)error;
    gathering->names = g_ptr_array_new_with_free_func(g_free);
    gathering->inputs = g_array_new(FALSE, FALSE, sizeof(int));
    gathering->file = -1;
    if ((r = read_gathering(call, gathering)) < 0) {
        free_gathering(gathering);
        return r;
    }
    return berth_frame_run_job(call, "gather", gathering, run_gathering, NULL, free_gathering);
}

/* The job owns each descriptor as soon as it has been read; freeing the job closes them. */
static int start_ingest(sd_bus_message *call, bool announces) {
    IngestJob *job = g_new0(IngestJob, 1);
    const char *algorithm;
    int r;

    job->ingest.input = job->ingest.file = job->ingest.growth = -1;
    if ((r = job->ingest.input = berth_frame_read_fd(call)) < 0 ||
        (r = job->ingest.file = berth_frame_read_fd(call)) < 0 ||
        (r = sd_bus_message_read(call, "stt", &algorithm, &job->ingest.offset,
                                 &job->ingest.limit)) < 0 ||
        (announces && (r = job->ingest.growth = berth_frame_read_fd(call)) < 0)) {
        free_ingest_job(job);
        return r;
    }
    job->ingest.algorithm = parse_algorithm(algorithm);
    return berth_frame_run_job(call, "ingest", job, run_ingest, append_ingested, free_ingest_job);
}

static int method_ingest(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    (void)userdata;
    (void)error;
    return start_ingest(call, false);
}

static int method_ingest_announcing(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    (void)userdata;
    (void)error;
    return start_ingest(call, true);
}

/* fsync(2) of a directory makes renames in it durable. It is done here because it would block the
 * service's loop. */
static bool sync_directories(void *data, GError **error) {
    const GArray *directories = data;

    for (guint i = 0; i < directories->len; i++)
        if (fsync(g_array_index(directories, int, i)) < 0)
            return berth_error_set_errno(error, errno, "sync the directory");
    return true;
}

/* syncfs(2) writes back all files of a file system at once. It may take long, and would block the
 * service's loop as well. */
static bool sync_file_system(void *data, GError **error) {
    if (syncfs(*(int *)data) < 0)
        return berth_error_set_errno(error, errno, "sync the file system");
    return true;
}

static void free_fd(gpointer data) {
    berth_fd_clear(data);
    g_free(data);
}

static int read_directories(sd_bus_message *call, GArray *directories) {
    int r = sd_bus_message_enter_container(call, 'a', "h");

    while (r >= 0 && (r = sd_bus_message_at_end(call, false)) == 0) {
        int fd = berth_frame_read_fd(call);
        if (fd < 0)
            return fd;
        g_array_append_val(directories, fd);
    }
    return r < 0 ? r : sd_bus_message_exit_container(call);
}

static void clear_directory(gpointer data) {
    berth_fd_clear(data);
}

static void free_directories(gpointer data) {
    g_array_unref(data);
}

static int method_sync(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    GArray *directories = g_array_new(FALSE, FALSE, sizeof(int));

    (void)userdata;
    (void)error;
    g_array_set_clear_func(directories, clear_directory);
    int r = read_directories(call, directories);
    if (r < 0) {
        g_array_unref(directories);
        return r;
    }
    return berth_frame_run_job(call, "sync", directories, sync_directories, NULL, free_directories);
}

static int method_sync_file_system(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    int fd = berth_frame_read_fd(call);

    (void)userdata;
    (void)error;
    if (fd < 0)
        return fd;
    return berth_frame_run_job(call, "sync", g_memdup2(&fd, sizeof fd), sync_file_system, NULL,
                               free_fd);
}

static const sd_bus_vtable vtable[] = BERTH_FRAME_VTABLE(BERTH_INGEST_MEMBERS);

int main(void) {
    return berth_frame_main("ingest", vtable);
}
