/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-unpack: unpacks one layer into one directory, which is all that it sees of the file system.
 * Unpack takes the stream; Settle finishes the layer on top of the layers below, once those are
 * there, using the notes that Unpack made, which is why one process serves both calls. If a name
 * turns out to be a symbolic link in the layers below, Settle unpacks the layer again from its
 * stored content, with the lower tree available.
 */

#include "base/fd.h"
#include "base/hash.h"
#include "frame/frame.h"
#include "frame/template.h"
#include "unpack/attributes.h"
#include "unpack/layer.h"
#include "unpack/measure.h"
#include "unpack/merge.h"
#include "unpack/pack.h"
#include "unpack/settle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef struct {
    BerthTree *tree; /* NULL until Unpack has begun */
    BerthAlgorithm algorithm;
    uint64_t limit;
    char *expected; /* the diff ID */
    bool busy;
} UnpackState;

/* Set by Unpack and used by Settle; busy keeps the jobs of two calls from using it at the same
 * time. */
static UnpackState state;

typedef struct {
    int input, growth; /* growth: -1 if the input is complete */
    int lower;
    uint64_t limit, size;
    uint64_t expected; /* final size of a growing input */
    bool is_complete;  /* of a measurement */
    char *digest;
} UnpackJob;

/* Also frees the job of a call that failed before it ran; the worker can then take the next call.
 */
static void free_unpack_job(gpointer data) {
    UnpackJob *job = data;

    berth_fd_clear(&job->input);
    berth_fd_clear(&job->growth);
    berth_fd_clear(&job->lower);
    g_free(job->digest);
    g_free(job);
    state.busy = false;
}

static bool unpack_stream(UnpackJob *job, BerthTree *tree, BerthAlgorithm algorithm, uint64_t limit,
                          GError **error) {
    /* Freed after the stream, whose thread uses it. */
    g_autoptr(BerthInput) input =
        job->growth < 0 ? berth_input_new(job->input)
                        : berth_input_new_growing(job->input, job->growth, job->expected);
    g_autoptr(BerthStream) stream = berth_stream_new(input, algorithm, limit, error);
    g_autoptr(GError) of_tree = NULL;

    if (!stream)
        return false;
    bool unpacked = berth_layer_unpack(stream, tree, &of_tree);
    /* If the stream is broken, that is the cause of the tar reader's error. */
    if ((unpacked || of_tree->code == BERTH_ERROR_INVALID_ARGUMENT) &&
        !berth_stream_finish(stream, &job->digest, &job->size, error))
        return false;
    if (!unpacked) {
        g_propagate_error(error, g_steal_pointer(&of_tree));
        return false;
    }
    return true;
}

/* The diff ID covers the uncompressed tar. It can only be compared here, after the files were
 * written: if the digest differs, the call fails and berthd discards the directory. */
static bool run_unpack(void *data, GError **error) {
    UnpackJob *job = data;

    if (!unpack_stream(job, state.tree, state.algorithm, state.limit, error))
        return false;
    if (!g_str_equal(job->digest, state.expected))
        return berth_error_set(
            error, BERTH_ERROR_DIGEST_MISMATCH,
            "the layer does not have the diff ID %s that the image configuration names",
            state.expected);
    return true;
}

static int reply_unpack(void *data, sd_bus_message *reply) {
    UnpackJob *job = data;

    return sd_bus_message_append(reply, "tb", job->size, berth_tree_needs_lower(state.tree));
}

static UnpackJob *unpack_job_new(void) {
    UnpackJob *job = g_new0(UnpackJob, 1);

    job->input = job->growth = job->lower = -1;
    state.busy = true;
    return job;
}

static int open_root(void) {
    return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int unpack_job_start(sd_bus_message *call, bool is_growing, sd_bus_error *ret_error) {
    const char *expected;
    int r, is_lowest;

    if (state.tree || state.busy)
        return sd_bus_error_set(ret_error, BERTH_ERROR_PREFIX "Busy",
                                "a worker unpacks only "
                                "one layer");
    UnpackJob *job = unpack_job_new();
    g_autoptr(GError) error = NULL;
    if ((r = job->input = berth_frame_read_fd(call)) < 0 ||
        (is_growing && ((r = job->growth = berth_frame_read_fd(call)) < 0 ||
                        (r = sd_bus_message_read(call, "t", &job->expected)) < 0)) ||
        (r = sd_bus_message_read(call, "stb", &expected, &state.limit, &is_lowest)) < 0) {
        free_unpack_job(job);
        return r;
    }
    int root = open_root();
    if (root < 0 || !berth_digest_parse(expected, &state.algorithm, &error)) {
        free_unpack_job(job);
        return error ? berth_bus_error_set(ret_error, error) : -errno;
    }
    state.expected = g_strdup(expected);
    state.tree = berth_tree_new(root, is_lowest ? BERTH_LOWER_NONE : BERTH_LOWER_UNKNOWN, -1);
    return berth_frame_run_job(call, "unpack", job, run_unpack, reply_unpack, free_unpack_job);
}

static int method_unpack(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    (void)userdata;
    return unpack_job_start(call, false, ret_error);
}

static int method_unpack_growing(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    (void)userdata;
    return unpack_job_start(call, true, ret_error);
}

/* Restores the directory to the state in which berthd made it: empty, without attributes, owned by
 * root. */
static bool clear_root(int root, GError **error) {
    return berth_fd_remove_children("/", error) &&
           berth_attributes_clear_xattrs(root, "/", error) &&
           ((fchown(root, 0, 0) == 0 && fchmod(root, 0755) == 0) ||
            berth_error_set_errno(error, errno, "clear the directory"));
}

/* With the lower tree known, every path resolves correctly, and settling finds nothing inexact. */
static bool unpack_again(UnpackJob *job, GError **error) {
    bool is_inexact;

    g_clear_pointer(&state.tree, berth_tree_free);
    int root = open_root();
    if (root < 0)
        return berth_error_set_errno(error, errno, "open the directory");
    state.tree = berth_tree_new(root, BERTH_LOWER_KNOWN, job->lower);
    return clear_root(root, error) && run_unpack(job, error) &&
           berth_settle(state.tree, job->lower, &is_inexact, error);
}

static bool run_settle(void *data, GError **error) {
    UnpackJob *job = data;
    bool is_inexact;

    return berth_settle(state.tree, job->lower, &is_inexact, error) &&
           (!is_inexact || unpack_again(job, error));
}

/* Settle needs the notes of an Unpack in the same process. */
static int settle_job_start(sd_bus_message *call, bool has_lower, sd_bus_error *ret_error) {
    if (!state.tree || state.busy)
        return sd_bus_error_set(ret_error, BERTH_ERROR_PREFIX "FailedPrecondition",
                                "nothing has been unpacked");
    UnpackJob *job = unpack_job_new();
    int r = 0;
    if (has_lower && ((r = job->lower = berth_frame_read_fd(call)) < 0 ||
                      (r = job->input = berth_frame_read_fd(call)) < 0)) {
        free_unpack_job(job);
        return r;
    }
    return berth_frame_run_job(call, "settle", job, run_settle, NULL, free_unpack_job);
}

static int method_settle(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    (void)userdata;
    return settle_job_start(call, true, ret_error);
}

static int method_settle_lowest(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    (void)userdata;
    return settle_job_start(call, false, ret_error);
}

/* Empty is for removing trees, which also needs access to one directory only. */
static bool run_empty(void *data, GError **error) {
    (void)data;
    return berth_fd_remove_children("/", error);
}

static int method_empty(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    (void)userdata;
    (void)error;
    return berth_frame_run_job(call, "empty", unpack_job_new(), run_empty, NULL, free_unpack_job);
}

static bool run_measure(void *data, GError **error) {
    UnpackJob *job = data;
    BerthMeasure found;
    int root = open_root();

    if (root < 0)
        return berth_error_set_errno(error, errno, "open the directory");
    if (!berth_measure_tree(root, &found, error))
        return false;
    job->size = found.bytes;
    job->is_complete = found.is_complete;
    return true;
}

static int reply_measure(void *data, sd_bus_message *reply) {
    UnpackJob *job = data;

    return sd_bus_message_append(reply, "tb", job->size, job->is_complete);
}

static int method_measure(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    (void)userdata;
    (void)error;
    return berth_frame_run_job(call, "measure", unpack_job_new(), run_measure, reply_measure,
                               free_unpack_job);
}

/* Writes the tree as a layer's tar. */
static bool run_pack(void *data, GError **error) {
    UnpackJob *job = data;
    berth_autofd int root = open_root();
    bool done = root >= 0 ? berth_pack(root, job->input, error)
                          : berth_error_set_errno(error, errno, "open the directory");

    /* Closed now, so that the reader sees the end before the reply is sent. */
    berth_fd_clear(&job->input);
    return done;
}

static int method_pack(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    UnpackJob *job = unpack_job_new();

    (void)userdata;
    (void)error;
    if ((job->input = berth_frame_read_fd(call)) < 0) {
        int r = job->input;
        free_unpack_job(job);
        return r;
    }
    return berth_frame_run_job(call, "pack", job, run_pack, NULL, free_unpack_job);
}

#define APPLIED ".berth-apply"

/* Unpacks the layer beside the existing files, treats those as the layers below, and then moves the
 * result into place. */
static bool apply_beside(UnpackJob *job, int root, GError **error) {
    bool is_inexact;

    if (mkdirat(root, APPLIED, 0700) < 0)
        return berth_error_set_errno(error, errno, "make a directory to unpack into");
    int upper = openat(root, APPLIED, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (upper < 0)
        return berth_error_set_errno(error, errno, "open the directory to unpack into");
    g_autoptr(BerthTree) tree = berth_tree_new(upper, BERTH_LOWER_KNOWN, root);
    return unpack_stream(job, tree, BERTH_ALGORITHM_SHA256, job->limit, error) &&
           berth_settle(tree, root, &is_inexact, error) && berth_merge(upper, root, error);
}

/* Checked here rather than in berthd, which a file system could block. */
static bool check_owner(int root, GError **error) {
    struct stat status;

    if (fstat(root, &status) < 0)
        return berth_error_set_errno(error, errno, "examine the directory");
    return !berth_attributes_are_plain() || status.st_uid == geteuid() ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "the directory belongs to another user");
}

static bool run_apply(void *data, GError **error) {
    berth_autofd int root = open_root();

    if (root < 0)
        return berth_error_set_errno(error, errno, "open the directory");
    if (!check_owner(root, error))
        return false;
    /* Left over from an earlier attempt that was interrupted. */
    if (!berth_fd_remove_tree(root, APPLIED, error))
        return false;
    bool done = apply_beside(data, root, error);
    /* If the layer could not be applied, that error is reported instead. */
    return berth_fd_remove_tree(root, APPLIED, done ? error : NULL) && done;
}

static int method_apply(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    UnpackJob *job = unpack_job_new();
    int r;

    (void)userdata;
    (void)error;
    if ((r = job->input = berth_frame_read_fd(call)) < 0 ||
        (r = sd_bus_message_read(call, "t", &job->limit)) < 0) {
        free_unpack_job(job);
        return r;
    }
    return berth_frame_run_job(call, "apply", job, run_apply, NULL, free_unpack_job);
}

static const sd_bus_vtable vtable[] = BERTH_FRAME_VTABLE(BERTH_UNPACK_MEMBERS);

int main(int argc, char **argv) {
    BerthSandbox sandbox = *berth_sandbox_find("unpack");

    if (berth_template_is(argc, argv)) {
        g_autoptr(GError) error = NULL;
        if (!berth_sandbox_prepare(&sandbox, &error)) {
            fprintf(stderr, "berth-unpack: %s\n", error->message);
            return EXIT_FAILURE;
        }
        berth_hash_prepare();
        berth_template_serve();
        argc = 1;
    }
    berth_hash_prepare();

    /* With an argument, the directory belongs to that user: the worker must not be able to do more
     * there than the user. */
    if (argc == 2) {
        sandbox = berth_sandbox_narrow(&sandbox, (uid_t)strtoul(argv[1], NULL, 10));
        g_assert(sandbox.owner != 0);
        berth_attributes_make_plain();
    }
    g_set_prgname("berth-unpack");
    /* mkdirat(2) and openat(2) get the modes of entries as they are in the tar. */
    umask(0);
    return berth_frame_run(&sandbox, vtable, NULL, NULL);
}
