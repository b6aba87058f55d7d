/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Two threads and a ring of blocks. The stream's own thread inflates into free blocks, and the
 * caller takes filled ones in turn. In between, each block is hashed by whichever of the two would
 * otherwise wait: by the thread if the ring is full, otherwise by the caller before it receives the
 * block. So both cores are busy whether a layer is slow to inflate or, with many small files, slow
 * to write; and a block that the caller has just hashed is still in its cache when it is written.
 *
 * The ring is three counts that only grow, taken <= hashed <= filled <= taken + BLOCKS, under one
 * lock. Block n is at index n % BLOCKS. Blocks from filled on belong to the thread, and those below
 * it are read-only; the caller has block taken until it requests the next one.
 */

#include "unpack/stream.h"

#include "unpack/inflate.h"

#include <stdlib.h>
#include <sys/mman.h>

/* A block stays in the second-level cache between the two threads. ISA-L copies about 96 KiB of
 * what it produces in each call, so smaller blocks cost more. All but the first are in one huge
 * page. */
enum { BLOCK_BYTES = 512 * 1024, BLOCKS = 5, OTHER_BYTES = (BLOCKS - 1) * BLOCK_BYTES };

/* DONE: the thread has left the ring, after an error or at the end of the input. ABANDONED: the
 * caller takes no more blocks. */
typedef enum { STREAM_RUNNING, STREAM_DONE, STREAM_ABANDONED } StreamState;

typedef struct {
    size_t size;
    uint8_t *data;
} Block;

struct BerthStream {
    BerthInput *input; /* used by the thread alone */
    uint64_t limit;
    uint64_t size;
    GThread *thread;
    GError *error;        /* set by the thread, to be read once it has ended */
    Block blocks[BLOCKS]; /* only the first has memory until a second one is needed */
    GMutex lock; /* protects everything below; the hash belongs to whoever has set is_hashing */
    GCond changed;
    StreamState state;
    uint64_t filled, hashed, taken;
    bool has_block;  /* the caller has block taken */
    bool is_hashing; /* one of the two threads is hashing block hashed, without the lock */
    /* number of waiting threads; if both wait, the first has already been woken */
    unsigned waiting;
    BerthHash *hash;
};

static Block *stream_get_block(BerthStream *stream, uint64_t number) {
    return &stream->blocks[number % BLOCKS];
}

/* A huge page saves a page fault for every 4 KiB. A small layer needs only the first block, and no
 * such page. */
static void stream_add_others(BerthStream *stream) {
    uint8_t *memory = aligned_alloc(OTHER_BYTES, OTHER_BYTES);

    if (!memory)
        g_error("out of memory");
    (void)madvise(memory, OTHER_BYTES, MADV_HUGEPAGE);
    for (int i = 1; i < BLOCKS; i++)
        stream->blocks[i].data = memory + (size_t)(i - 1) * BLOCK_BYTES;
}

/* Called with the lock held. Waking costs a system call, which is unnecessary if nobody waits. */
static void stream_wake(BerthStream *stream) {
    if (stream->waiting > 0)
        g_cond_signal(&stream->changed);
}

static void stream_wait(BerthStream *stream) {
    stream->waiting++;
    g_cond_wait(&stream->changed, &stream->lock);
    stream->waiting--;
}

/* Called with the lock held, which it releases while it hashes. False if there is nothing to hash,
 * or the other thread is hashing. */
static bool stream_hash_one(BerthStream *stream) {
    if (stream->is_hashing || stream->hashed == stream->filled)
        return false;
    const Block *block = stream_get_block(stream, stream->hashed);
    stream->is_hashing = true;
    g_mutex_unlock(&stream->lock);
    berth_hash_update(stream->hash, block->data, block->size);
    g_mutex_lock(&stream->lock);
    stream->is_hashing = false;
    stream->hashed++;
    stream_wake(stream);
    return true;
}

/* The block to fill next, or NULL if the caller has abandoned the stream. If the ring is full, the
 * thread sleeps until half of it is free, instead of waking up for each block. */
static Block *stream_get_room(BerthStream *stream) {
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&stream->lock);
    unsigned most = BLOCKS - 1;

    while (stream->state == STREAM_RUNNING && stream->filled - stream->taken > most) {
        most = BLOCKS / 2;
        if (!stream_hash_one(stream))
            stream_wait(stream);
    }
    if (stream->state != STREAM_RUNNING)
        return NULL;
    if (stream->filled == 1 && !stream->blocks[1].data)
        stream_add_others(stream);
    return stream_get_block(stream, stream->filled);
}

static void stream_add_block(BerthStream *stream) {
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&stream->lock);

    stream->filled++;
    stream_wake(stream);
}

/* Passes inflated bytes on until more input is needed. A block that is barely filled by then is
 * filled up with what follows. */
static bool drain_input(BerthStream *stream, BerthInflate *inflate, GError **error) {
    for (;;) {
        Block *block = stream_get_room(stream);
        ssize_t size = block ? berth_inflate_take(inflate, block->data + block->size,
                                                  BLOCK_BYTES - block->size, error)
                             : 0;
        if (size <= 0)
            return size == 0;
        stream->size += (uint64_t)size;
        if (stream->size > stream->limit)
            return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                                   "the layer unpacks to more than the limit of %" G_GUINT64_FORMAT
                                   " bytes",
                                   stream->limit);
        block->size += (size_t)size;
        if (block->size >= BLOCK_BYTES / 2)
            stream_add_block(stream);
    }
}

static bool stream_is_abandoned(BerthStream *stream) {
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&stream->lock);

    return stream->state == STREAM_ABANDONED;
}

/* Runs in the stream's thread. Reads until the end of the input, even after the end of the tar: the
 * digest covers all of it. */
static bool inflate_all(BerthStream *stream, GError **error) {
    const uint8_t *part = NULL;
    ssize_t got = berth_input_next(stream->input, &part, error);

    if (got < 0)
        return false;
    g_autoptr(BerthInflate) inflate = berth_inflate_new(part, got, error);
    if (!inflate)
        return false;
    while (got > 0 && !stream_is_abandoned(stream)) {
        berth_inflate_give(inflate, part, got);
        if (!drain_input(stream, inflate, error))
            return false;
        got = berth_input_next(stream->input, &part, error);
    }
    return got >= 0 && berth_inflate_check_end(inflate, error);
}

static gpointer run_inflating(gpointer data) {
    BerthStream *stream = data;

    inflate_all(stream, &stream->error);
    /* The last block may be less than half full. */
    const Block *last = stream_get_room(stream);
    if (last && last->size > 0)
        stream_add_block(stream);
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&stream->lock);
    if (stream->state == STREAM_RUNNING)
        stream->state = STREAM_DONE;
    stream_wake(stream);
    return NULL;
}

BerthStream *berth_stream_new(BerthInput *input, BerthAlgorithm algorithm, uint64_t limit,
                              GError **error) {
    g_autoptr(BerthStream) stream = g_new0(BerthStream, 1);

    stream->input = input;
    stream->limit = limit;
    stream->hash = berth_hash_new(algorithm);
    g_mutex_init(&stream->lock);
    g_cond_init(&stream->changed);
    stream->blocks[0].data = g_malloc(BLOCK_BYTES);
    stream->thread = g_thread_try_new("inflate", run_inflating, stream, error);
    return stream->thread ? g_steal_pointer(&stream) : NULL;
}

/* The block is valid until the next call, which returns it to the thread. The caller sleeps only if
 * there is nothing to hash; the thread is then hashing the block that it waits for, or filling it.
 */
size_t berth_stream_next(BerthStream *stream, const void **block) {
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&stream->lock);

    if (stream->has_block) {
        stream_get_block(stream, stream->taken++)->size = 0;
        stream->has_block = false;
        if (stream->filled - stream->taken <= BLOCKS / 2)
            stream_wake(stream);
    }
    while (stream->hashed <= stream->taken) {
        if (stream->state == STREAM_DONE && stream->filled == stream->taken)
            return 0;
        if (!stream_hash_one(stream))
            stream_wait(stream);
    }
    const Block *first = stream_get_block(stream, stream->taken);
    stream->has_block = true;
    *block = first->data;
    return first->size;
}

/* Joins the thread; its error, hash and size can then be read without a lock. */
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

static void stream_abandon(BerthStream *stream) {
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&stream->lock);

    stream->state = STREAM_ABANDONED;
    stream_wake(stream);
}

/* Waits for the thread, which may be in read(2) until the other end of a pipe is closed. */
void berth_stream_free(BerthStream *stream) {
    if (!stream)
        return;
    if (stream->thread) {
        stream_abandon(stream);
        g_thread_join(stream->thread);
    }
    g_free(stream->blocks[0].data);
    free(stream->blocks[1].data);
    berth_hash_free(stream->hash);
    g_mutex_clear(&stream->lock);
    g_cond_clear(&stream->changed);
    g_clear_error(&stream->error);
    g_free(stream);
}
