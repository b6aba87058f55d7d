/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Two threads and two queues of blocks. The stream's own thread takes empty blocks, fills and
 * hashes them; the caller takes full ones and gives them back. The block of size 0 ends the stream,
 * after an error as well, which is read only when the thread has been joined. A caller that stops
 * early sets abandoned and drains the queue, so that the thread never waits for a block that does
 * not come.
 */

#include "unpack/stream.h"

#include "unpack/inflate.h"

#include <errno.h>
#include <unistd.h>

/* Blocks stay within the second level cache between the two threads. */
enum { INPUT_BYTES = 256 * 1024, BLOCK_BYTES = 256 * 1024, BLOCKS = 6, MAGIC_BYTES = 4 };

typedef struct {
    size_t size; /* 0 in the block that ends the stream */
    uint8_t data[BLOCK_BYTES];
} Block;

struct BerthStream {
    int input;
    uint64_t limit;
    uint64_t size;
    BerthHash *hash;
    GThread *thread;
    GAsyncQueue *full, *empty;
    Block *current; /* with the caller */
    bool ended;     /* the caller has seen the end */
    gint abandoned; /* atomic: the caller takes no more blocks */
    GError *error;  /* the thread's, to be read once it ended */
};

static ssize_t read_input(int fd, uint8_t *buffer, size_t size, GError **error) {
    ssize_t got;

    do
        got = read(fd, buffer, size);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        berth_error_set_errno(error, errno, "read the layer");
    return got;
}

/* The first bytes tell the compression; a pipe may deliver fewer at first. */
static ssize_t read_first(int fd, uint8_t *buffer, GError **error) {
    ssize_t size = 0, got = 1;

    while (size < MAGIC_BYTES && got > 0) {
        got = read_input(fd, buffer + size, INPUT_BYTES - (size_t)size, error);
        size += MAX(got, 0);
    }
    return got < 0 ? got : size;
}

/* Passes inflated bytes on until more input is wanted. */
static bool drain_input(BerthStream *stream, BerthInflate *inflate, GError **error) {
    for (;;) {
        Block *block = g_async_queue_pop(stream->empty);
        ssize_t size = g_atomic_int_get(&stream->abandoned)
                           ? 0
                           : berth_inflate_take(inflate, block->data, BLOCK_BYTES, error);
        if (size <= 0) {
            g_async_queue_push(stream->empty, block);
            return size == 0;
        }
        stream->size += size;
        if (stream->size > stream->limit) {
            g_async_queue_push(stream->empty, block);
            return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                                   "the layer unpacks to more than the limit of %" G_GUINT64_FORMAT
                                   " bytes",
                                   stream->limit);
        }
        berth_hash_update(stream->hash, block->data, size);
        block->size = size;
        g_async_queue_push(stream->full, block);
    }
}

/* Runs in the stream's thread. Reads until the end of the input, also behind the end of the tar:
 * the digest covers all of it. */
static bool inflate_all(BerthStream *stream, GError **error) {
    g_autofree uint8_t *buffer = g_malloc(INPUT_BYTES);
    ssize_t got = read_first(stream->input, buffer, error);

    if (got < 0)
        return false;
    g_autoptr(BerthInflate) inflate = berth_inflate_new(buffer, got, error);
    if (!inflate)
        return false;
    while (got > 0 && !g_atomic_int_get(&stream->abandoned)) {
        berth_inflate_give(inflate, buffer, got);
        if (!drain_input(stream, inflate, error))
            return false;
        got = read_input(stream->input, buffer, INPUT_BYTES, error);
    }
    return got >= 0 && berth_inflate_check_end(inflate, error);
}

/* A block for the end is always to be had: the caller gives blocks back until it has seen the
 * end. */
static gpointer run_inflating(gpointer data) {
    BerthStream *stream = data;

    inflate_all(stream, &stream->error);
    Block *last = g_async_queue_pop(stream->empty);
    last->size = 0;
    g_async_queue_push(stream->full, last);
    return NULL;
}

/* The input stays the caller's, and has to be open until the stream is finished or freed. */
BerthStream *berth_stream_new(int input, BerthAlgorithm algorithm, uint64_t limit, GError **error) {
    g_autoptr(BerthStream) stream = g_new0(BerthStream, 1);

    stream->input = input;
    stream->limit = limit;
    stream->hash = berth_hash_new(algorithm);
    stream->full = g_async_queue_new();
    stream->empty = g_async_queue_new();
    for (int i = 0; i < BLOCKS; i++)
        g_async_queue_push(stream->empty, g_malloc(sizeof(Block)));
    stream->thread = g_thread_try_new("inflate", run_inflating, stream, error);
    return stream->thread ? g_steal_pointer(&stream) : NULL;
}

/* The block is valid until the next call, which gives it back to the thread. */
size_t berth_stream_next(BerthStream *stream, const void **block) {
    if (stream->ended)
        return 0;
    if (stream->current)
        g_async_queue_push(stream->empty, stream->current);
    stream->current = g_async_queue_pop(stream->full);
    stream->ended = stream->current->size == 0;
    *block = stream->current->data;
    return stream->current->size;
}

/* Joins the thread, after which its error, hash and size can be read without a lock. */
bool berth_stream_finish(BerthStream *stream, char **digest, uint64_t *size, GError **error) {
    const void *block;

    while (berth_stream_next(stream, &block) > 0)
        ;
    g_clear_pointer(&stream->thread, g_thread_join);
    if (stream->error) {
        g_propagate_error(error, g_steal_pointer(&stream->error));
        return false;
    }
    *digest = berth_hash_get_digest(stream->hash);
    *size = stream->size;
    return true;
}

/* Waits for the thread, which may be inside read(2) until the other end of a pipe is closed. */
void berth_stream_free(BerthStream *stream) {
    const void *block;

    if (!stream)
        return;
    g_atomic_int_set(&stream->abandoned, 1);
    if (stream->thread) {
        while (berth_stream_next(stream, &block) > 0)
            ;
        g_thread_join(stream->thread);
    }
    g_free(stream->current);
    for (Block *left; (left = g_async_queue_try_pop(stream->empty));)
        g_free(left);
    for (Block *left; (left = g_async_queue_try_pop(stream->full));)
        g_free(left);
    g_async_queue_unref(stream->full);
    g_async_queue_unref(stream->empty);
    berth_hash_free(stream->hash);
    g_clear_error(&stream->error);
    g_free(stream);
}
