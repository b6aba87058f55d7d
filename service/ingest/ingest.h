/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One ingest: bytes from a pipe are written to the ingest file and hashed in one pass. What is
 * already in the file (from an earlier attempt) is hashed first.
 */

#pragma once

#include "base/hash.h"

#include <stdint.h>

typedef struct {
    int input;  /* a pipe; read until its other end is closed */
    int file;   /* the ingest file, open for reading and writing */
    int growth; /* a pipe that receives a byte each time the file has grown, whose reader may go
                 * away; or -1 */
    BerthAlgorithm algorithm;
    uint64_t offset; /* how much of the file is kept and precedes the input */
    uint64_t limit;  /* SizeMismatch beyond this many bytes in total */
} BerthIngest;

/* Hashes a file from its start, whatever its size. */
bool berth_ingest_hash(int file, BerthAlgorithm algorithm, char **digest, uint64_t *size,
                       GError **error);

/* Returns the digest of the whole file and its size once all of it is on disk. */
bool berth_ingest_run(const BerthIngest *ingest, char **digest, uint64_t *size, GError **error);
