/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One blob on its way into the store: a source writes into a pipe, berth-ingest hashes and writes
 * what it reads there, and the result is committed under its digest. The owner holds the claim on
 * the key meanwhile.
 */

#pragma once

#include "base/digest.h"
#include "contents/contents.h"

typedef struct BerthIngestion BerthIngestion;

typedef struct {
    BerthWorker *ingest; /* the owner's; it is freed before the ingestion, unless done was called */
    const char *key;     /* of the ingest */
    uint32_t owner;
    BerthAlgorithm algorithm;
    uint64_t total;  /* the expected size; 0 if it is not known */
    uint64_t limit;  /* the largest size that berth-ingest accepts */
    bool is_resumed; /* continues with what an earlier try left, and leaves what it has to the next
                      */
} BerthIngestionRequest;

/* The source has ended and berth-ingest has answered: with digest and size, or with the error that
 * explains the failure best. Called once. */
typedef void (*BerthIngestionDone)(const char *digest, uint64_t size, const GError *error,
                                   void *userdata);

/* Opens the ingest file. */
BerthIngestion *berth_ingestion_new(BerthContents *contents, const BerthIngestionRequest *request,
                                    BerthIngestionDone done, void *userdata, GError **error);
void berth_ingestion_free(BerthIngestion *ingestion);

/* How many bytes an earlier try left; the source starts there. */
uint64_t berth_ingestion_get_offset(const BerthIngestion *ingestion);
/* The file, whose size is the progress; valid until the ingestion is freed. */
const int *berth_ingestion_get_file(const BerthIngestion *ingestion);

/* Starts berth-ingest on a pipe and returns the end for the source, or -1; the owner reports the
 * source's end. onward: gets the same bytes, or -1. */
int berth_ingestion_open_pipe(BerthIngestion *ingestion, int onward, GError **error);
void berth_ingestion_source_ended(BerthIngestion *ingestion, const GError *error);
/* The same for a source that is a file, which has no end to report. */
void berth_ingestion_read_file(BerthIngestion *ingestion, int file, int onward);

/* Makes the result a blob; it is fine if that is here already. */
bool berth_ingestion_commit(BerthIngestion *ingestion, const char *digest, GError **error);
/* Drops the bytes that were written: they are of no use for another try. */
void berth_ingestion_discard(BerthIngestion *ingestion);
