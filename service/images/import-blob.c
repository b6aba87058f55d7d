/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One member of an archive on its way into the store: berth-archive writes it into a pipe, and
 * berth-ingest hashes and stores it. It is committed under the digest that it is expected to have
 * or, if its name contains none, under the one that it turns out to have. An import has one of
 * these at a time and owns it.
 */

#include "base/digest.h"
#include "base/fd.h"
#include "contents/claim.h"
#include "contents/ingestion.h"
#include "images/import-private.h"
#include "store/provenance.h"
#include "worker/calls.h"

struct BerthImportBlob {
    const BerthImportContext *context;
    char *member, *key;
    char *expected; /* digest; NULL: unknown */
    BerthClaim *claim;
    BerthIngestion *ingestion;
    BerthTransferItem *item; /* NULL until the member is read */
    BerthImportBlobDone done;
    void *userdata;
};

/* The content belongs to the caller from now on. It is kept until the end of the import and, if
 * there is a lease, by that lease afterwards. */
bool berth_import_pin(const BerthImportContext *context, const char *digest, GError **error) {
    BerthDatabase *database = context->images->database;

    berth_provenance_hold(database, context->transfer->owner, digest, NULL);
    berth_pins_add(context->pins, digest);
    return !context->lease || berth_lease_store_add(database, context->lease, digest, error);
}

/* The other writer has created the blob or has failed; the start checks which. */
static void import_blob_on_released(void *userdata) {
    berth_import_blob_start(userdata);
}

BerthImportBlob *berth_import_blob_new(const BerthImportContext *context, const char *member,
                                       const char *expected, BerthImportBlobDone done,
                                       void *userdata) {
    BerthImportBlob *blob = g_new0(BerthImportBlob, 1);
    uint32_t owner = context->transfer->owner;
    /* Without an expected digest, the key contains the transfer: an import stores one member at a
     * time. */
    g_autofree char *ref = g_strdup_printf("import %" G_GUINT64_FORMAT, context->transfer->number);

    blob->context = context;
    blob->member = g_strdup(member);
    blob->expected = g_strdup(expected);
    blob->key = expected ? berth_contents_blob_key(owner, expected)
                         : berth_ingest_key_new(owner, BERTH_INGEST_OF_TRANSFER, ref);
    blob->claim =
        berth_claim_new(context->images->contents, blob->key, import_blob_on_released, blob);
    blob->done = done;
    blob->userdata = userdata;
    return blob;
}

void berth_import_blob_free(BerthImportBlob *blob) {
    if (!blob)
        return;
    if (blob->item)
        blob->item->poll = NULL;
    /* Reading an archive is never resumed: the data of an unfinished member is removed here. */
    berth_ingestion_free(blob->ingestion);
    berth_claim_free(blob->claim);
    g_free(blob->member);
    g_free(blob->key);
    g_free(blob->expected);
    g_free(blob);
}

const char *berth_import_blob_get_member(const BerthImportBlob *blob) {
    return blob->member;
}

/* The archive's documents can refer to it from now on. The callback may free the blob. */
static void import_blob_finish(BerthImportBlob *blob, const char *digest, uint64_t size) {
    if (blob->item) {
        blob->item->poll = NULL;
        blob->item->done = blob->item->total = size;
        blob->item->phase = "done";
    }
    blob->done(blob, digest, size, NULL, blob->userdata);
}

static void import_blob_fail(BerthImportBlob *blob, const GError *error) {
    g_autoptr(GError) copy = g_error_copy(error);

    g_prefix_error(&copy, "%s: ", blob->member);
    blob->done(blob, NULL, 0, copy, blob->userdata);
}

static bool import_blob_commit(BerthImportBlob *blob, const char *digest, GError **error) {
    if (blob->expected && !g_str_equal(blob->expected, digest))
        return berth_error_set(error, BERTH_ERROR_DIGEST_MISMATCH,
                               "its content does not match the digest in its name");
    /* In this order: the owner must not hold a digest that berth-ingest has invented. No collection
     * runs in between. */
    return berth_ingestion_commit(blob->ingestion, digest, error) &&
           berth_import_pin(blob->context, digest, error);
}

static void import_blob_on_ingested(const char *digest, uint64_t size, const GError *error,
                                    void *userdata) {
    BerthImportBlob *blob = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (!local && import_blob_commit(blob, digest, &local))
        import_blob_finish(blob, digest, size);
    else
        import_blob_fail(blob, local);
}

/* The source has ended, successfully or not. The blob is done when berth-ingest has answered as
 * well. */
static void import_blob_on_extracted(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthImportBlob *blob = userdata;

    (void)reply;
    berth_ingestion_source_ended(blob->ingestion, error);
}

/* Uses the algorithm of the expected digest, so that the two can be compared. */
static bool import_blob_read(BerthImportBlob *blob, GError **error) {
    const BerthImportContext *context = blob->context;
    BerthIngestionRequest request = {
        .ingest = context->ingest,
        .key = blob->key,
        .owner = context->transfer->owner,
        .algorithm = BERTH_ALGORITHM_SHA256,
        .limit = context->images->remotes->settings->max_blob_bytes,
    };

    if (blob->expected && !berth_digest_parse(blob->expected, &request.algorithm, error))
        return false;
    blob->ingestion = berth_ingestion_new(context->images->contents, &request,
                                          import_blob_on_ingested, blob, error);
    if (!blob->ingestion)
        return false;
    berth_autofd int input = berth_ingestion_open_pipe(blob->ingestion, -1, error);
    if (input < 0)
        return false;
    blob->item = berth_transfer_add_item(
        context->transfer, blob->expected ? blob->expected : blob->member, "reading", 0);
    berth_transfer_item_watch_size(blob->item, berth_ingestion_get_file(blob->ingestion));
    berth_call_archive_extract(context->archive, input, request.limit, import_blob_on_extracted,
                               blob);
    return true;
}

/* Whether reading it is unnecessary because the owner already holds it. A member's name alone does
 * not show that the archive has the content with this digest. */
static bool import_blob_is_held(const BerthImportBlob *blob, BerthBlob *info) {
    const BerthImportContext *context = blob->context;

    return blob->expected &&
           berth_provenance_holds(context->images->database, context->transfer->owner,
                                  blob->expected) &&
           berth_content_store_info(berth_contents_get_store(context->images->contents),
                                    blob->expected, info, NULL);
}

void berth_import_blob_start(BerthImportBlob *blob) {
    g_auto(BerthBlob) info = {0};
    g_autoptr(GError) error = NULL;

    if (import_blob_is_held(blob, &info)) {
        if (berth_import_pin(blob->context, info.digest, &error))
            import_blob_finish(blob, info.digest, info.size);
        else
            import_blob_fail(blob, error);
        return;
    }
    /* If another operation is writing it, this is called again when that has finished. */
    if (berth_claim_take(blob->claim) && !import_blob_read(blob, &error))
        import_blob_fail(blob, error);
}
