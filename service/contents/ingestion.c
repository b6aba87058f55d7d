/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An ingestion is open until it is committed or discarded, and belongs to the object that brings
 * the blob (in a pull, an import, a commit). It waits for two answers: the end of the source, which
 * the owner reports, and the reply of berth-ingest.
 */

#include "contents/ingestion.h"

#include "base/fd.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <sys/stat.h>

typedef enum { INGESTION_OPEN, INGESTION_COMMITTED, INGESTION_DISCARDED } IngestionState;

struct BerthIngestion {
    BerthContents *contents;
    IngestionState state;
    BerthWorker *ingest;
    char *key;
    const char *algorithm;
    uint64_t offset, limit;
    bool is_resumed;
    int file;
    unsigned awaited; /* number of outstanding answers */
    char *digest;     /* berth-ingest's answer */
    uint64_t size;
    GError *source_error, *ingest_error;
    BerthIngestionDone done;
    void *userdata;
};

/* Whether an earlier attempt expected another size. A descriptor with a wrong size must not stand
 * in the way of one with the right size. */
static bool has_another_total(BerthContentStore *store, const BerthIngestionRequest *request) {
    g_auto(BerthIngestInfo) leftover = {0};

    return berth_content_store_status(store, request->key, &leftover, NULL) &&
           leftover.total != request->total;
}

BerthIngestion *berth_ingestion_new(BerthContents *contents, const BerthIngestionRequest *request,
                                    BerthIngestionDone done, void *userdata, GError **error) {
    BerthContentStore *store = berth_contents_get_store(contents);
    uint64_t offset;

    /* An ingest that is not resumed starts empty: anything that an earlier one left under this key
     * is removed. */
    if (!request->is_resumed || has_another_total(store, request))
        berth_content_store_abort(store, request->key, NULL);
    int file = berth_content_store_begin(store, request->key, request->total, request->owner,
                                         &offset, error);
    if (file < 0)
        return NULL;
    BerthIngestion *ingestion = g_new0(BerthIngestion, 1);
    *ingestion = (BerthIngestion){
        .contents = contents,
        .ingest = request->ingest,
        .key = g_strdup(request->key),
        .algorithm = berth_algorithm_get_name(request->algorithm),
        .offset = offset,
        .limit = request->limit,
        .is_resumed = request->is_resumed,
        .file = file,
        .done = done,
        .userdata = userdata,
    };
    return ingestion;
}

static bool ingestion_is_empty(const BerthIngestion *ingestion) {
    struct stat status;

    return fstat(ingestion->file, &status) == 0 && status.st_size == 0;
}

void berth_ingestion_free(BerthIngestion *ingestion) {
    if (!ingestion)
        return;
    /* A resumable ingest is kept for the next attempt, but an empty one would only clutter the
     * list. */
    if (ingestion->state == INGESTION_OPEN &&
        (!ingestion->is_resumed || ingestion_is_empty(ingestion)))
        berth_ingestion_discard(ingestion);
    berth_fd_clear(&ingestion->file);
    g_clear_error(&ingestion->source_error);
    g_clear_error(&ingestion->ingest_error);
    g_free(ingestion->digest);
    g_free(ingestion->key);
    g_free(ingestion);
}

uint64_t berth_ingestion_get_offset(const BerthIngestion *ingestion) {
    return ingestion->offset;
}

const int *berth_ingestion_get_file(const BerthIngestion *ingestion) {
    return &ingestion->file;
}

/* Chooses the error that explains the failure. Usually that is the source's: berth-ingest then
 * merely lacks data. But if the disk is full, the writer stops first, and the source only sees that
 * the pipe has no reader. */
static const GError *ingestion_get_error(const BerthIngestion *ingestion) {
    const GError *source = ingestion->source_error, *ingest = ingestion->ingest_error;

    if (ingest &&
        (ingest->code == BERTH_ERROR_NO_SPACE || !source || source->code == BERTH_ERROR_INTERNAL))
        return ingest;
    return source;
}

static void ingestion_take_answer(BerthIngestion *ingestion) {
    if (--ingestion->awaited > 0)
        return;
    const GError *error = ingestion_get_error(ingestion);
    ingestion->done(error ? NULL : ingestion->digest, ingestion->size, error, ingestion->userdata);
}

int berth_ingestion_open_file(const BerthIngestion *ingestion) {
    return berth_content_store_open_ingest(berth_contents_get_store(ingestion->contents),
                                           ingestion->key);
}

static void ingestion_on_ingested(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthIngestion *ingestion = userdata;
    const char *digest;

    if (error)
        ingestion->ingest_error = g_error_copy(error);
    else if (berth_reply_read_ingested(reply, ingestion->algorithm, ingestion->limit, &digest,
                                       &ingestion->size, &ingestion->ingest_error))
        ingestion->digest = g_strdup(digest);
    ingestion_take_answer(ingestion);
}

void berth_ingestion_read_file(BerthIngestion *ingestion, int file, int growth) {
    const BerthIngestArguments arguments = {
        file, ingestion->file, growth, ingestion->algorithm, ingestion->offset, ingestion->limit};

    ingestion->awaited++;
    berth_call_ingest_ingest(ingestion->ingest, &arguments, ingestion_on_ingested, ingestion);
}

int berth_ingestion_open_pipe(BerthIngestion *ingestion, int growth, GError **error) {
    int ends[2];

    if (!berth_fd_pipe(ends, error))
        return -1;
    berth_autofd int output = ends[0];
    /* The end of the source is awaited as well; berth_ingestion_read_file counts the worker's
     * reply. */
    ingestion->awaited++;
    berth_ingestion_read_file(ingestion, output, growth);
    return ends[1];
}

void berth_ingestion_source_ended(BerthIngestion *ingestion, const GError *error) {
    ingestion->source_error = error ? g_error_copy(error) : NULL;
    ingestion_take_answer(ingestion);
}

/* Whether the file is what berth-ingest has reported, as far as berthd can see that. Otherwise the
 * data is removed. */
static bool ingestion_check(BerthIngestion *ingestion, const char *digest, GError **error) {
    struct stat status;

    if (fstat(ingestion->file, &status) < 0)
        return berth_error_set_errno(error, errno, "examine an ingest");
    if ((uint64_t)status.st_size == ingestion->size)
        return berth_contents_check_ingest(ingestion->contents, ingestion->key, digest, error);
    berth_ingestion_discard(ingestion);
    return berth_reply_set_malformed("ingest", error);
}

bool berth_ingestion_commit(BerthIngestion *ingestion, const char *digest, GError **error) {
    g_autoptr(GError) local = NULL;

    if (!ingestion_check(ingestion, digest, error))
        return false;
    if (!berth_contents_commit(ingestion->contents, ingestion->key, digest, &local) &&
        local->code != BERTH_ERROR_ALREADY_EXISTS) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    /* The commit has removed the ingest, even if the result is AlreadyExists. */
    ingestion->state = INGESTION_COMMITTED;
    return true;
}

void berth_ingestion_discard(BerthIngestion *ingestion) {
    berth_content_store_abort(berth_contents_get_store(ingestion->contents), ingestion->key, NULL);
    ingestion->state = INGESTION_DISCARDED;
}
