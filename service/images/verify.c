/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checks the content store: every blob is hashed again, one after the other. A damaged blob is set
 * aside and, on request, fetched again. The object is owned by the transfer's operation.
 *
 * The worker reads blobs that anybody may have brought. A worker that is compromised, or that fails
 * for another reason, must not make content disappear: damage counts only if a new worker, which
 * has read nothing else, finds it as well.
 */

#include "images/verify.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/size.h"
#include "images/refetch.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <string.h>
#include <sys/stat.h>

/* The question to the worker about the last blob in the list. */
typedef enum {
    VERIFY_ASKS,      /* whether it is damaged */
    VERIFY_ASKS_ANEW, /* the same, after another worker has reported damage */
} VerifyState;

typedef struct {
    BerthOperation *operation;
    BerthImages *images;
    BerthTransfer *transfer;
    BerthTransferItem *item; /* one item for the whole store */
    BerthWorker *worker;
    VerifyState state;
    GPtrArray *blobs; /* of BerthBlob, the next one last */
    int file;         /* the last one in the list, while it is hashed */
    GPtrArray *damaged;
    BerthRefetch *refetching;
    bool refetch;
} Verify;

static void verify_check_next(Verify *verify);

/* Called even if it was cancelled, since blobs may have been set aside before. */
static void verify_report(void *object, BerthTransferResult *result) {
    Verify *verify = object;

    g_ptr_array_add(verify->damaged, NULL);
    result->damaged = (char **)g_ptr_array_free(g_steal_pointer(&verify->damaged), FALSE);
}

static void verify_free(void *object) {
    Verify *verify = object;

    g_clear_pointer(&verify->damaged, g_ptr_array_unref);
    berth_refetch_forget(verify->refetching);
    berth_worker_free(verify->worker);
    berth_fd_clear(&verify->file);
    g_ptr_array_unref(verify->blobs);
    g_free(verify);
}

/* Blobs that were fetched again are no longer damaged: only the others are reported. */
static void verify_on_refetched(GPtrArray *missing, const GError *error, void *userdata) {
    Verify *verify = userdata;

    verify->refetching = NULL;
    if (missing->len > 0)
        berth_log_warning(NULL, NULL, "Cannot fetch damaged content again: %s",
                          error ? error->message : "its source is not known");
    g_ptr_array_set_size(verify->damaged, 0);
    for (guint i = 0; i < missing->len; i++)
        g_ptr_array_add(verify->damaged, g_strdup(missing->pdata[i]));
    berth_operation_end(verify->operation, NULL);
}

/* A caller who may set aside the content of all users may have it repaired from the sources of
 * all. */
static void verify_refetch(Verify *verify) {
    const BerthRefetchRequest request = {
        .digests = verify->damaged, .owner = verify->transfer->owner, .of_all_users = true};

    verify->refetching =
        berth_images_refetch(verify->images, &request, verify_on_refetched, verify);
}

/* All blobs have been checked. With Refetch, the transfer continues until the damaged ones have
 * been fetched again or found to be unavailable. */
static void verify_finish(Verify *verify) {
    verify->item->phase = "done";
    if (verify->refetch && verify->damaged->len > 0)
        verify_refetch(verify);
    else
        berth_operation_end(verify->operation, NULL);
}

static bool verify_set_aside(Verify *verify, const char *digest, const char *found,
                             GError **error) {
    g_ptr_array_add(verify->damaged, g_strdup(digest));
    berth_log(LOG_ERR, BERTH_MESSAGE_CONTENT_DAMAGED, "BERTH_DIGEST", digest,
              "Content %s is damaged (its bytes have the digest %s) and was set aside", digest,
              found);
    return berth_contents_set_aside(verify->images->contents, digest, error);
}

/* Content that cannot be read counts as damaged, like content with another digest. Any other
 * failure says nothing about the content. */
static bool verify_read_digest(const BerthBlob *blob, sd_bus_message *reply,
                               const GError *reply_error, const char **digest, GError **error) {
    g_autofree char *algorithm = g_strndup(blob->digest, strcspn(blob->digest, ":"));
    uint64_t size;

    *digest = "unreadable";
    if (g_error_matches(reply_error, BERTH_ERROR, BERTH_ERROR_DIGEST_MISMATCH))
        return true;
    if (reply_error) {
        g_propagate_error(error, g_error_copy(reply_error));
        return false;
    }
    if (!berth_reply_read_ingested(reply, algorithm, UINT64_MAX, digest, &size, error))
        return false;
    return !g_str_equal(*digest, blob->digest) || size == blob->size ||
           berth_reply_set_malformed("ingest", error);
}

/* Whether the store still has the file that was hashed. It may have been deleted, and the same
 * content stored again, while it was read. */
static bool verify_is_stored(const Verify *verify, const BerthBlob *blob) {
    BerthContentStore *store = berth_contents_get_store(verify->images->contents);
    berth_autofd int file = berth_content_store_open_blob(store, blob->digest, NULL);
    struct stat stored, hashed;

    return file >= 0 && fstat(file, &stored) == 0 && fstat(verify->file, &hashed) == 0 &&
           stored.st_ino == hashed.st_ino;
}

/* Runs in either state. Another file of the same name says nothing about the one that was hashed,
 * and was verified when it was stored. */
static bool verify_note_damage(Verify *verify, const BerthBlob *blob, const char *digest,
                               GError **error) {
    if (!verify_is_stored(verify, blob))
        return true;
    if (verify->state == VERIFY_ASKS_ANEW)
        return verify_set_aside(verify, blob->digest, digest, error);
    berth_worker_free(verify->worker);
    verify->worker = berth_worker_new(verify->images->event, "ingest", -1, error);
    verify->state = VERIFY_ASKS_ANEW;
    return verify->worker != NULL;
}

static void verify_on_hashed(sd_bus_message *reply, const GError *error, void *userdata) {
    Verify *verify = userdata;
    const BerthBlob *blob = verify->blobs->pdata[verify->blobs->len - 1];
    bool was_asked = verify->state == VERIFY_ASKS;
    g_autoptr(GError) local = NULL;
    const char *digest;

    if (!verify_read_digest(blob, reply, error, &digest, &local) ||
        (!g_str_equal(digest, blob->digest) && !verify_note_damage(verify, blob, digest, &local))) {
        berth_operation_end(verify->operation, local);
        return;
    }
    /* If there is a new worker, the question about the same blob is repeated. */
    if (!was_asked || verify->state == VERIFY_ASKS) {
        verify->state = VERIFY_ASKS;
        verify->item->done += blob->size;
        g_ptr_array_set_size(verify->blobs, (gint)verify->blobs->len - 1);
    }
    verify_check_next(verify);
}

/* Checks one blob at a time. This is where a cancellation is noticed. */
static void verify_check_next(Verify *verify) {
    BerthContentStore *store = berth_contents_get_store(verify->images->contents);

    while (!berth_operation_has_ended(verify->operation) && verify->blobs->len > 0) {
        const BerthBlob *blob = verify->blobs->pdata[verify->blobs->len - 1];
        berth_fd_clear(&verify->file);
        verify->file = berth_content_store_open_blob(store, blob->digest, NULL);
        /* It has been deleted in the meantime. */
        if (verify->file < 0) {
            g_ptr_array_set_size(verify->blobs, (gint)verify->blobs->len - 1);
            continue;
        }
        g_autofree char *algorithm = g_strndup(blob->digest, strcspn(blob->digest, ":"));
        berth_call_ingest_hash(verify->worker, verify->file, algorithm, verify_on_hashed, verify);
        return;
    }
    if (!berth_operation_has_ended(verify->operation))
        verify_finish(verify);
}

BerthTransfer *berth_verify_start(BerthImages *images, const BerthVerifyRequest *request,
                                  GError **error) {
    static const BerthTransferWork work = {
        .report = verify_report, .free = verify_free, .is_partial = true};
    BerthContentStore *store = berth_contents_get_store(images->contents);
    g_autoptr(GPtrArray) blobs = berth_content_store_list(store, error);
    g_autoptr(BerthWorker) worker =
        blobs ? berth_worker_new(images->event, "ingest", -1, error) : NULL;
    BerthTransfer *transfer =
        worker ? berth_transfers_add(images->transfers, "verify", "", request->owner, error) : NULL;
    uint64_t total = 0;

    if (!transfer)
        return NULL;
    for (guint i = 0; i < blobs->len; i++)
        berth_size_add(&total, ((BerthBlob *)blobs->pdata[i])->size);
    Verify *verify = g_new0(Verify, 1);
    verify->images = images;
    verify->transfer = transfer;
    verify->refetch = request->refetch;
    verify->file = -1;
    verify->worker = g_steal_pointer(&worker);
    verify->blobs = g_steal_pointer(&blobs);
    verify->damaged = g_ptr_array_new_with_free_func(g_free);
    verify->item = berth_transfer_add_item(transfer, "contents", "checking", total);
    verify->operation = berth_transfer_begin(transfer, &work, verify);
    verify_check_next(verify);
    return transfer;
}
