/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Stores content created by the service itself, such as the manifest of an image that came without
 * one. Like all content, it goes through berth-ingest. It is stored even if its caller no longer
 * waits: the operation owns the object, and a caller that has forgotten it (done is NULL) receives
 * no result. A name will refer to this content, so the service computes the digest itself: one
 * invented by berth-ingest could be that of another user's image.
 */

#include "base/fd.h"
#include "base/operation.h"
#include "contents/claim.h"
#include "contents/contents-private.h"
#include "contents/ingestion.h"
#include "worker/replies.h"

#include <string.h>

struct BerthTextStoring {
    BerthOperation *operation;
    BerthClaim *claim; /* on the ingestion's key */
    BerthWorker *worker;
    BerthIngestion *ingestion;
    char *expected; /* the digest of the text */
    char *digest;   /* the result */
    size_t size;
    BerthTextStored done;
    void *userdata;
};

static void text_storing_report(void *object, const GError *error) {
    BerthTextStoring *storing = object;

    if (storing->done)
        storing->done(error ? NULL : storing->digest, storing->size, error, storing->userdata);
}

static void text_storing_free(void *object) {
    BerthTextStoring *storing = object;

    berth_worker_free(storing->worker);
    berth_ingestion_free(storing->ingestion);
    berth_claim_free(storing->claim);
    g_free(storing->expected);
    g_free(storing->digest);
    g_free(storing);
}

static void text_storing_on_ingested(const char *digest, uint64_t size, const GError *error,
                                     void *userdata) {
    BerthTextStoring *storing = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    (void)size;
    if (!local && !g_str_equal(digest, storing->expected))
        berth_reply_set_malformed("ingest", &local);
    if (!local && berth_ingestion_commit(storing->ingestion, digest, &local))
        storing->digest = g_strdup(digest);
    berth_operation_end(storing->operation, local);
}

void berth_contents_forget_text(BerthTextStoring *storing) {
    if (storing)
        storing->done = NULL;
}

BerthTextStoring *berth_contents_store_text(BerthContents *contents, const char *text,
                                            BerthTextStored done, void *userdata) {
    static const BerthOperationType type = {.tell = text_storing_report, .free = text_storing_free};
    static unsigned counter;
    BerthTextStoring *storing = g_new0(BerthTextStoring, 1);
    g_autoptr(GError) error = NULL;

    *storing = (BerthTextStoring){.size = strlen(text), .done = done, .userdata = userdata};
    g_autofree char *hex =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, storing->size);
    storing->expected = g_strconcat("sha256:", hex, NULL);
    storing->operation = berth_operation_new(contents->event, &type, storing);
    g_autofree char *ref = g_strdup_printf("text %d %u", (int)getpid(), counter++);
    g_autofree char *key = berth_ingest_key_new(0, BERTH_INGEST_OF_TRANSFER, ref);
    storing->claim = berth_claim_new(contents, key, NULL, NULL);
    /* The key is new, so this always succeeds. */
    berth_claim_take(storing->claim);
    berth_autofd int input = berth_fd_new_in_memory(text, storing->size, &error);
    if (input >= 0)
        storing->worker = berth_worker_new(contents->event, "ingest", -1, &error);
    const BerthIngestionRequest request = {
        .ingest = storing->worker,
        .key = key,
        .algorithm = BERTH_ALGORITHM_SHA256,
        .limit = storing->size,
    };
    if (storing->worker)
        storing->ingestion =
            berth_ingestion_new(contents, &request, text_storing_on_ingested, storing, &error);
    if (storing->ingestion)
        berth_ingestion_read_file(storing->ingestion, input, -1);
    else
        berth_operation_end(storing->operation, error);
    return storing;
}
