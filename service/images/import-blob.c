/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One member of an archive on its way into the store: berth-archive writes it into a pipe, which
 * berth-ingest hashes and stores. */

#include "base/digest.h"
#include "base/fd.h"
#include "images/import-private.h"
#include "store/provenance.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <string.h>

static void start(BerthImport *import);

void berth_import_blob_abandon(BerthImport *import) {
    BerthContents *contents = import->images->contents;

    if (import->item)
        import->item->poll = NULL;
    if (import->waiting)
        berth_contents_forget_wait(contents, import);
    import->waiting = false;
    if (import->claimed) {
        /* An archive is not gone on with: what there is of the member is of no use. */
        berth_content_store_abort(berth_contents_get_store(contents), import->key, NULL);
        berth_contents_release(contents, import->key);
    }
    import->claimed = false;
    berth_fd_clear(&import->file);
    g_clear_pointer(&import->member, g_free);
    g_clear_pointer(&import->key, g_free);
    g_clear_pointer(&import->expected, g_free);
    g_clear_pointer(&import->digest, g_free);
    g_clear_error(&import->archive_error);
    g_clear_error(&import->ingest_error);
}

/* It is in the store: the archive's documents may refer to it from now on. */
static void finish(BerthImport *import, const char *digest, uint64_t size) {
    BerthImportMember *member = g_new0(BerthImportMember, 1);

    member->digest = g_strdup(digest);
    member->size = size;
    g_hash_table_replace(import->members, g_strdup(import->member), member);
    if (import->item) {
        import->item->poll = NULL;
        import->item->done = import->item->total = size;
        import->item->phase = "done";
        import->item = NULL;
    }
    berth_import_blob_abandon(import);
    berth_import_next(import);
}

static bool check(BerthImport *import, GError **error) {
    BerthContents *contents = import->images->contents;
    GError *first = import->ingest_error && (import->ingest_error->code == BERTH_ERROR_NO_SPACE ||
                                             !import->archive_error)
                        ? import->ingest_error
                        : import->archive_error;
    g_autoptr(GError) local = NULL;

    if (first) {
        g_propagate_error(error, g_error_copy(first));
        return false;
    }
    if (import->expected && !g_str_equal(import->expected, import->digest))
        return berth_error_set(error, BERTH_ERROR_DIGEST_MISMATCH,
                               "its content has another digest than its name says");
    /* Before it is there: nothing may collect it in between. */
    berth_import_pin(import, import->digest);
    bool committed = berth_contents_commit(contents, import->key, import->digest, &local);
    /* Either way the ingest is gone. */
    if (committed || local->code == BERTH_ERROR_ALREADY_EXISTS) {
        berth_contents_release(contents, import->key);
        import->claimed = false;
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

static void take_answer(BerthImport *import) {
    g_autoptr(GError) error = NULL;

    if (--import->answers > 0)
        return;
    if (check(import, &error)) {
        g_autofree char *digest = g_strdup(import->digest);
        finish(import, digest, import->size);
        return;
    }
    g_prefix_error(&error, "%s: ", import->member);
    berth_import_end(import, error);
}

static void on_extracted(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthImport *import = userdata;

    (void)reply;
    import->archive_error = error ? g_error_copy(error) : NULL;
    take_answer(import);
}

static void on_ingested(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthImport *import = userdata;
    uint64_t limit = import->images->remotes->settings->max_blob_bytes;
    g_autofree char *algorithm = import->expected
                                     ? g_strndup(import->expected, strcspn(import->expected, ":"))
                                     : g_strdup(berth_algorithm_get_name(BERTH_ALGORITHM_SHA256));
    const char *digest;

    if (error)
        import->ingest_error = g_error_copy(error);
    else if (berth_reply_read_ingested(reply, algorithm, limit, &digest, &import->size,
                                       &import->ingest_error))
        import->digest = g_strdup(digest);
    take_answer(import);
}

static bool send(BerthImport *import, GError **error) {
    uint64_t limit = import->images->remotes->settings->max_blob_bytes;
    BerthAlgorithm algorithm = BERTH_ALGORITHM_SHA256;
    int ends[2];

    if (import->expected && !berth_digest_parse(import->expected, &algorithm, error))
        return false;
    if (!berth_fd_pipe(ends, error))
        return false;
    berth_autofd int output = ends[0];
    berth_autofd int input = ends[1];
    const BerthIngestArguments arguments = {
        output, import->file, -1, berth_algorithm_get_name(algorithm), 0, limit};
    import->answers = 2;
    berth_call_ingest_ingest(import->ingest, &arguments, on_ingested, import);
    berth_call_archive_extract(import->archive, input, limit, on_extracted, import);
    return true;
}

static void on_released(void *userdata) {
    BerthImport *import = userdata;

    import->waiting = false;
    start(import);
}

static void start(BerthImport *import) {
    BerthContents *contents = import->images->contents;
    BerthContentStore *store = berth_contents_get_store(contents);
    g_auto(BerthBlob) blob = {0};
    g_autoptr(GError) error = NULL;
    uint64_t offset;

    /* A member's name alone does not show that the archive has what is here. */
    if (import->expected &&
        berth_provenance_holds(import->images->database, import->transfer->owner,
                               import->expected) &&
        berth_content_store_info(store, import->expected, &blob, NULL)) {
        berth_import_pin(import, blob.digest);
        finish(import, blob.digest, blob.size);
        return;
    }
    if (!berth_contents_claim(contents, import->key, NULL)) {
        import->waiting = true;
        berth_contents_wait(contents, import->key, on_released, import);
        return;
    }
    import->claimed = true;
    /* What a broken pull has left of the same blob is not gone on with here. */
    berth_content_store_abort(store, import->key, NULL);
    import->file =
        berth_content_store_begin(store, import->key, 0, import->transfer->owner, &offset, &error);
    import->item = berth_transfer_add_item(
        import->transfer, import->expected ? import->expected : import->member, "reading", 0);
    if (import->file < 0 || !send(import, &error)) {
        berth_import_end(import, error);
        return;
    }
    berth_transfer_item_watch_size(import->item, &import->file);
}

void berth_import_blob(BerthImport *import, const char *member, const char *expected) {
    import->member = g_strdup(member);
    import->expected = g_strdup(expected);
    g_autofree char *ref = g_strdup_printf("import %" G_GUINT64_FORMAT, import->transfer->number);
    import->key =
        expected ? berth_contents_blob_key(import->transfer->owner, expected)
                 : berth_ingest_key_new(import->transfer->owner, BERTH_INGEST_OF_TRANSFER, ref);
    start(import);
}
