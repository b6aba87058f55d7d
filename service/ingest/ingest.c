/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One pass over the content, with its state on the stack of the job that runs it: first what an
 * earlier attempt left in the file, then the pipe. Hashing comes last: the bytes are passed on as
 * soon as they arrive, and berth-unpack processes them in the meantime.
 *
 * They are passed on with tee(2), which gives the pages of the first pipe to the second one and
 * copies nothing. What is hashed and written is this process's own copy. A writer that can still
 * change its pages (through vmsplice(2), which berth-fetch's sandbox does not allow) could
 * therefore make berth-unpack read something other than what is stored; the diff ID, which
 * berth-unpack computes from what it has read, detects that.
 */

#include "ingest/ingest.h"

#include "base/fd.h"

#include <errno.h>

enum { CHUNK_BYTES = 256 * 1024 };

/* How content is passed on. */
typedef enum {
    FORWARD_TEE,   /* as pages of the input, until that turns out not to be a pipe */
    FORWARD_WRITE, /* as a copy */
    FORWARD_CLOSED,
} ForwardMode;

typedef struct {
    const BerthIngest *ingest;
    BerthHash *hash;
    uint64_t done;
    ForwardMode onward;
} IngestState;

/* The reader of the onward pipe may fail and close it; the content is stored nevertheless. */
static void ingest_pass_on(IngestState *state, const char *data, size_t size) {
    if (state->onward != FORWARD_CLOSED && !berth_fd_write_all(state->ingest->onward, data, size))
        state->onward = FORWARD_CLOSED;
}

/* Passes on what the input has, and returns how much that is: the caller must then read as much,
 * without passing it on again. Returns 0 if nothing was passed on; read(2) then shows the reason.
 */
static size_t forward_by_tee(IngestState *state) {
    ssize_t got;

    if (state->onward != FORWARD_TEE)
        return 0;
    do
        got = tee(state->ingest->input, state->ingest->onward, CHUNK_BYTES, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        state->onward = errno == EINVAL ? FORWARD_WRITE : FORWARD_CLOSED;
    return (size_t)MAX(got, 0);
}

/* pread(2) leaves the file's offset where take_input() has to write. Reaching the end before the
 * offset is an error: berthd has recorded more bytes than there are. */
static bool take_kept(IngestState *state, char *buffer, GError **error) {
    const BerthIngest *ingest = state->ingest;

    while (state->done < ingest->offset) {
        size_t wanted = MIN((uint64_t)CHUNK_BYTES, ingest->offset - state->done);
        ssize_t got = pread(ingest->file, buffer, wanted, (off_t)state->done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return berth_error_set_errno(error, got < 0 ? errno : EIO, "read the ingest file");
        berth_hash_update(state->hash, buffer, got);
        ingest_pass_on(state, buffer, got);
        state->done += got;
    }
    return true;
}

static bool take_input(IngestState *state, char *buffer, GError **error) {
    const BerthIngest *ingest = state->ingest;

    for (size_t passed = 0;;) {
        if (passed == 0)
            passed = forward_by_tee(state);
        ssize_t got = read(ingest->input, buffer, passed > 0 ? passed : CHUNK_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return berth_error_set_errno(error, errno, "read the content");
        if (got == 0)
            return true;
        /* Checked before writing, so that the file never exceeds the limit. */
        if ((uint64_t)got > ingest->limit - state->done)
            return berth_error_set(error, BERTH_ERROR_SIZE_MISMATCH,
                                   "the content is larger than the expected %" G_GUINT64_FORMAT
                                   " bytes",
                                   ingest->limit);
        if (!berth_fd_write_all(ingest->file, buffer, got))
            return berth_error_set_errno(error, errno, "write the content");
        if (passed > 0)
            passed -= (size_t)got;
        else
            ingest_pass_on(state, buffer, got);
        berth_hash_update(state->hash, buffer, got);
        state->done += got;
    }
}

bool berth_ingest_run(const BerthIngest *ingest, char **digest, uint64_t *size, GError **error) {
    g_autoptr(BerthHash) hash = berth_hash_new(ingest->algorithm);
    g_autofree char *buffer = g_malloc(CHUNK_BYTES);
    IngestState state = {.ingest = ingest,
                         .hash = hash,
                         .onward = ingest->onward >= 0 ? FORWARD_TEE : FORWARD_CLOSED};

    if (ingest->offset > ingest->limit)
        return berth_error_set(
            error, BERTH_ERROR_SIZE_MISMATCH,
            "the content is larger than the expected %" G_GUINT64_FORMAT " bytes", ingest->limit);
    /* Bytes after the offset come from an earlier attempt and are not trusted. */
    if (ftruncate(ingest->file, (off_t)ingest->offset) < 0 ||
        lseek(ingest->file, (off_t)ingest->offset, SEEK_SET) < 0)
        return berth_error_set_errno(error, errno, "set the ingest file's size");
    if (!take_kept(&state, buffer, error) || !take_input(&state, buffer, error))
        return false;
    /* Must precede the reply with the digest, on which berthd commits the file. */
    if (fdatasync(ingest->file) < 0)
        return berth_error_set_errno(error, errno, "sync the content");
    *digest = berth_hash_get_digest(hash);
    *size = state.done;
    return true;
}

bool berth_ingest_hash(int file, BerthAlgorithm algorithm, char **digest, uint64_t *size,
                       GError **error) {
    g_autoptr(BerthHash) hash = berth_hash_new(algorithm);
    g_autofree char *buffer = g_malloc(CHUNK_BYTES);
    ssize_t got;

    *size = 0;
    while ((got = pread(file, buffer, CHUNK_BYTES, (off_t)*size)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            /* Distinguished from other failures: the content is effectively lost, and asking again
             * would not help. */
            return berth_error_set(error, BERTH_ERROR_DIGEST_MISMATCH, "read the content: %s",
                                   g_strerror(errno));
        berth_hash_update(hash, buffer, (size_t)got);
        *size += (uint64_t)got;
    }
    *digest = berth_hash_get_digest(hash);
    return true;
}
