/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One pass over the content, with its state on the stack of the job that runs it: first what an
 * earlier attempt left in the file, then the pipe. Hashing comes last: berth-unpack is told as soon
 * as bytes are in the file, and processes them in the meantime.
 */

#include "ingest/ingest.h"

#include "base/fd.h"

#include <errno.h>

enum { CHUNK_BYTES = 256 * 1024 };

typedef struct {
    const BerthIngest *ingest;
    BerthHash *hash;
    uint64_t done;
    bool is_followed; /* the pipe of growth has a reader */
} IngestState;

/* Called when the file has grown. The reader may fail and close the pipe; the content is stored
 * nevertheless. If the pipe is full, the reader still has to look at the size of the file. */
static void ingest_announce(IngestState *state) {
    state->is_followed =
        state->is_followed && (berth_fd_write_all(state->ingest->growth, "", 1) || errno == EAGAIN);
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
        state->done += got;
    }
    return true;
}

static bool take_input(IngestState *state, char *buffer, GError **error) {
    const BerthIngest *ingest = state->ingest;

    for (;;) {
        ssize_t got = read(ingest->input, buffer, CHUNK_BYTES);
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
        ingest_announce(state);
        berth_hash_update(state->hash, buffer, got);
        state->done += got;
    }
}

bool berth_ingest_run(const BerthIngest *ingest, char **digest, uint64_t *size, GError **error) {
    g_autoptr(BerthHash) hash = berth_hash_new(ingest->algorithm);
    g_autofree char *buffer = g_malloc(CHUNK_BYTES);
    IngestState state = {.ingest = ingest, .hash = hash, .is_followed = ingest->growth >= 0};

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
