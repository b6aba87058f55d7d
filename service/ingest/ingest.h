/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One ingest: bytes from a pipe are written to the ingest file, passed on and hashed, in that order
 * and in one pass. What is in the file already (an earlier try) is hashed and passed on first.
 */

#pragma once

#include "base/hash.h"

#include <stdint.h>

typedef struct {
    int input;  /* a pipe; read until its other end is closed */
    int file;   /* the ingest file, open for reading and writing */
    int onward; /* where the same bytes go as they arrive, or -1; its reader may leave */
    BerthAlgorithm algorithm;
    uint64_t offset; /* how much of the file is kept and goes before the input */
    uint64_t limit;  /* SizeMismatch beyond this many bytes in all */
} BerthIngest;

/* Hashes a file from its start, at any size. */
bool berth_ingest_hash(int file, BerthAlgorithm algorithm, char **digest, uint64_t *size,
                       GError **error);

/* Returns the digest of the whole file and its size once all of it is on disk. */
bool berth_ingest_run(const BerthIngest *ingest, char **digest, uint64_t *size, GError **error);
