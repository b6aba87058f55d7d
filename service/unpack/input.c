/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An input belongs to the stream's thread. It is one of two kinds: one that is read into a buffer,
 * and one that is mapped. The second is the file that berth-ingest writes and hashes: its pages are
 * in the page cache already, so mapping them saves a copy through a pipe, and what is unpacked is
 * what is stored. A mapped input is growing until the pipe of its growth is closed, and then
 * complete.
 *
 * A window of the file is mapped, and only what the file already has is accessed: access beyond its
 * end raises SIGBUS. So does a page that was written back and cannot be read again, so each part is
 * read in before it is accessed, which reports such a page as an error. Before Linux 5.14, the
 * worker dies of it, and the pull fails without the reason.
 */

#include "unpack/input.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* BUFFER_BYTES stay in the second-level cache. A window is a multiple of a part and of any page. */
enum { BUFFER_BYTES = 256 * 1024, PART_BYTES = 1024 * 1024, WINDOW_BYTES = 32 * 1024 * 1024 };

typedef enum { INPUT_READ, INPUT_GROWING, INPUT_COMPLETE } InputKind;

struct BerthInput {
    InputKind kind;
    int fd, growth;
    uint64_t position; /* where the next part begins */
    uint64_t size;     /* of a file, as far as it has been announced */
    uint8_t *window;   /* of the file, mapped; or NULL */
    uint8_t buffer[];
};

BerthInput *berth_input_new(int fd) {
    BerthInput *input = g_malloc(sizeof *input + BUFFER_BYTES);

    *input = (BerthInput){.kind = INPUT_READ, .fd = fd, .growth = -1};
    return input;
}

BerthInput *berth_input_new_growing(int file, int growth) {
    BerthInput *input = g_new0(BerthInput, 1);

    *input = (BerthInput){.kind = INPUT_GROWING, .fd = file, .growth = growth};
    return input;
}

static void input_unmap(BerthInput *input) {
    if (input->window)
        munmap(input->window, WINDOW_BYTES);
    input->window = NULL;
}

void berth_input_free(BerthInput *input) {
    if (!input)
        return;
    input_unmap(input);
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

/* Maps the window that begins at the position. */
static bool input_map_window(BerthInput *input, GError **error) {
    input_unmap(input);
    void *window =
        mmap(NULL, WINDOW_BYTES, PROT_READ, MAP_SHARED, input->fd, (off_t)input->position);
    if (window == MAP_FAILED)
        return berth_error_set_errno(error, errno, "read the layer");
    input->window = window;
    return true;
}

/* Reads the pages of a part and enters them into the page table at once, since a fault for each
 * would cost as much as a copy. EFAULT and EHWPOISON stand for a page whose access would raise
 * SIGBUS (madvise(2)); any other failure only costs time, such as EINVAL before Linux 5.14. */
static bool input_populate(BerthInput *input, size_t start, size_t size, GError **error) {
    size_t before = start % (size_t)sysconf(_SC_PAGESIZE);

    return madvise(input->window + start - before, before + size, MADV_POPULATE_READ) == 0 ||
           (errno != EFAULT && errno != EHWPOISON) ||
           berth_error_set_errno(error, EIO, "read the layer");
}

static ssize_t input_view(BerthInput *input, const uint8_t **part, GError **error) {
    size_t start = input->position % WINDOW_BYTES;

    if (!input_wait(input, input->position == 0 ? BERTH_INPUT_FIRST_BYTES : 1, error))
        return -1;
    size_t size = (size_t)MIN(input->size - input->position,
                              MIN((uint64_t)PART_BYTES, (uint64_t)WINDOW_BYTES - start));
    if (size == 0)
        return 0;
    if (start == 0 && !input_map_window(input, error))
        return -1;
    if (!input_populate(input, start, size, error))
        return -1;
    input->position += size;
    *part = input->window + start;
    return (ssize_t)size;
}

ssize_t berth_input_next(BerthInput *input, const uint8_t **part, GError **error) {
    if (input->kind != INPUT_READ)
        return input_view(input, part, error);
    *part = input->buffer;
    return input_read(input, error);
}
