/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One blob on its way into the store: a source writes into a pipe, berth-ingest reads from it,
 * hashes and writes, and the result is committed under its digest. The owner holds the claim on the
 * key meanwhile.
 */

#pragma once

#include "base/digest.h"
#include "contents/contents.h"

typedef struct BerthIngestion BerthIngestion;

typedef struct {
    BerthWorker *ingest; /* borrowed; freed before the ingestion unless done was called */
    const char *key;     /* of the ingest */
    uint32_t owner;
    BerthAlgorithm algorithm;
    uint64_t total;  /* expected size; 0: unknown */
    uint64_t limit;  /* largest size that berth-ingest accepts */
    bool is_resumed; /* continues from an earlier attempt, and leaves its data to the next */
} BerthIngestionRequest;

/* Called once, when the source has ended and berth-ingest has answered: with digest and size, or
 * with the error that explains the failure best. */
typedef void (*BerthIngestionDone)(const char *digest, uint64_t size, const GError *error,
                                   void *userdata);

/* Creates an ingestion and opens the ingest file. */
BerthIngestion *berth_ingestion_new(BerthContents *contents, const BerthIngestionRequest *request,
                                    BerthIngestionDone done, void *userdata, GError **error);
/* An open ingestion is kept for the next attempt if it can be resumed; otherwise its data is
 * removed. */
void berth_ingestion_free(BerthIngestion *ingestion);

/* Returns how many bytes an earlier attempt left; the source starts there. */
uint64_t berth_ingestion_get_offset(const BerthIngestion *ingestion);
/* Returns the file, whose size is the progress; the pointer is valid until the ingestion is
 * freed. */
const int *berth_ingestion_get_file(const BerthIngestion *ingestion);
/* Opens the file for reading, for a worker that follows its growth; -1 if that fails. */
int berth_ingestion_open_file(const BerthIngestion *ingestion);

/* Starts berth-ingest on a pipe and returns the write end for the source, or -1; the owner reports
 * the end of the source. If growth is not -1, berth-ingest writes a byte to it each time the file
 * has grown, and closes it when the file is complete. */
int berth_ingestion_open_pipe(BerthIngestion *ingestion, int growth, GError **error);
/* Reports the end of the source; error is NULL if all of the content was written. */
void berth_ingestion_source_ended(BerthIngestion *ingestion, const GError *error);
/* Like berth_ingestion_open_pipe, for a source that is a file, which has no end to report. */
void berth_ingestion_read_file(BerthIngestion *ingestion, int file, int growth);

/* Makes the result a blob; succeeds if that blob already exists. */
bool berth_ingestion_commit(BerthIngestion *ingestion, const char *digest, GError **error);
/* Removes the data: it is of no use for another attempt. */
void berth_ingestion_discard(BerthIngestion *ingestion);
