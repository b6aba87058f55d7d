/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An input belongs to the stream's thread. Its bytes come from a descriptor that is read to its
 * end, or from the file that berth-ingest writes and hashes, so that what is unpacked is what is
 * stored. Such a file is growing until the pipe of its growth is closed, and then complete.
 *
 * The file is read and not mapped: a copy that stays in the second-level cache is cheaper than page
 * tables for it, above all in a virtual machine, and a page that cannot be read is an error of
 * pread(2) and not SIGBUS.
 */

#include "unpack/input.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 256 * 1024 };

typedef enum { INPUT_READ, INPUT_GROWING, INPUT_COMPLETE } InputKind;

struct BerthInput {
    InputKind kind;
    int fd, growth;
    uint64_t position; /* where the next part begins */
    uint64_t size;     /* of a file, as far as it has been announced */
    uint64_t expected; /* least final size of a file */
    uint8_t buffer[BUFFER_BYTES];
};

static BerthInput *input_new(InputKind kind, int fd, int growth, uint64_t expected) {
    BerthInput *input = g_new(BerthInput, 1);

    /* The buffer is left as it is: only what has been read into it is returned. */
    input->kind = kind;
    input->fd = fd;
    input->growth = growth;
    input->position = input->size = 0;
    input->expected = expected;
    return input;
}

BerthInput *berth_input_new(int fd) {
    return input_new(INPUT_READ, fd, -1, 0);
}

BerthInput *berth_input_new_growing(int file, int growth, uint64_t expected) {
    return input_new(INPUT_GROWING, file, growth, expected);
}

void berth_input_free(BerthInput *input) {
    g_free(input);
}

static ssize_t read_some(int fd, void *buffer, size_t size, GError **error) {
    ssize_t got;

    do
        got = read(fd, buffer, size);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        berth_error_set_errno(error, errno, "read the layer");
    return got;
}

/* A pipe may deliver fewer bytes than needed at first. */
static ssize_t input_read(BerthInput *input, GError **error) {
    size_t least = input->position == 0 ? BERTH_INPUT_FIRST_BYTES : 1, size = 0;

    while (size < least) {
        ssize_t got = read_some(input->fd, input->buffer + size, BUFFER_BYTES - size, error);
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        size += (size_t)got;
    }
    input->position += size;
    return (ssize_t)size;
}

/* Waits until the file has least bytes after the position, or is complete. The size is read after
 * the pipe, so that it includes all that was written before the pipe was closed. */
static bool input_wait(BerthInput *input, size_t least, GError **error) {
    char bytes[512]; /* whose values do not matter */
    struct stat status;

    while (input->kind == INPUT_GROWING && input->size - input->position < least) {
        ssize_t got = read_some(input->growth, bytes, sizeof bytes, error);
        if (got < 0)
            return false;
        if (fstat(input->fd, &status) < 0)
            return berth_error_set_errno(error, errno, "read the layer");
        input->size = MAX(input->size, (uint64_t)status.st_size);
        if (got == 0)
            input->kind = INPUT_COMPLETE;
    }
    return true;
}

/* The file has at least the size that was announced, so its end is an error. */
static ssize_t input_read_file(BerthInput *input, GError **error) {
    ssize_t got;

    if (!input_wait(input, input->position == 0 ? BERTH_INPUT_FIRST_BYTES : 1, error))
        return -1;
    size_t size = (size_t)MIN(input->size - input->position, (uint64_t)BUFFER_BYTES);
    if (size == 0 && input->size < input->expected) {
        berth_error_set(error, BERTH_ERROR_SIZE_MISMATCH,
                        "the layer ends after %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " bytes",
                        input->size, input->expected);
        return -1;
    }
    if (size == 0)
        return 0;
    do
        got = pread(input->fd, input->buffer, size, (off_t)input->position);
    while (got < 0 && errno == EINTR);
    if (got <= 0) {
        berth_error_set_errno(error, got < 0 ? errno : EIO, "read the layer");
        return -1;
    }
    input->position += (size_t)got;
    return got;
}

ssize_t berth_input_next(BerthInput *input, const uint8_t **part, GError **error) {
    *part = input->buffer;
    return input->kind == INPUT_READ ? input_read(input, error) : input_read_file(input, error);
}
