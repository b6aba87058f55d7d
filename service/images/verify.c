/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "images/verify.h"

#include "base/fd.h"
#include "base/log.h"
#include "images/refetch.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <string.h>

typedef struct {
    BerthImages *images;
    BerthTransfer *transfer;
    BerthTransferItem *item; /* all of the store is one */
    BerthWorker *worker;
    GPtrArray *blobs; /* of BerthBlob, the next one last */
    GPtrArray *damaged;
    BerthRefetch *refetching;
    bool refetch;
    bool ended;
    GError *error;
} Verify;

static void check_next(Verify *verify);

static int on_end(sd_event_source *source, void *userdata) {
    Verify *verify = userdata;
    BerthTransfer *transfer = verify->transfer;
    GError *error = g_steal_pointer(&verify->error);

    sd_event_source_unref(source);
    g_ptr_array_add(verify->damaged, NULL);
    transfer->damaged = (char **)g_ptr_array_free(verify->damaged, FALSE);
    berth_refetch_forget(verify->refetching);
    berth_worker_free(verify->worker);
    g_ptr_array_unref(verify->blobs);
    g_free(verify);
    berth_transfer_finish(transfer, error);
    return 0;
}

static void end(Verify *verify, const GError *error) {
    sd_event_source *source;

    if (verify->ended)
        return;
    verify->ended = true;
    verify->error = error ? g_error_copy(error) : NULL;
    if (sd_event_add_defer(verify->images->event, &source, on_end, verify) < 0)
        g_error("out of memory");
}

static void on_cancel(void *userdata) {
    g_autoptr(GError) error = NULL;

    berth_error_set(&error, BERTH_ERROR_CANCELLED, "the check was cancelled");
    end(userdata, error);
}

static void on_refetched(GPtrArray *missing, const GError *error, void *userdata) {
    Verify *verify = userdata;

    verify->refetching = NULL;
    if (missing->len > 0)
        berth_log_warning(NULL, NULL, "Cannot fetch what was damaged: %s",
                          error ? error->message : "nothing is known of where it came from");
    g_ptr_array_set_size(verify->damaged, 0);
    for (guint i = 0; i < missing->len; i++)
        g_ptr_array_add(verify->damaged, g_strdup(missing->pdata[i]));
    end(verify, NULL);
}

static void finish(Verify *verify) {
    verify->item->phase = "done";
    if (verify->refetch && verify->damaged->len > 0)
        verify->refetching = berth_images_refetch(verify->images, verify->damaged,
                                                  verify->transfer->owner, on_refetched, verify);
    else
        end(verify, NULL);
}

static bool set_aside(Verify *verify, const char *digest, const char *found, GError **error) {
    g_ptr_array_add(verify->damaged, g_strdup(digest));
    berth_log(LOG_ERR, BERTH_MESSAGE_CONTENT_DAMAGED, "BERTH_DIGEST", digest,
              "Content %s is damaged (its bytes have the digest %s) and was set aside", digest,
              found);
    return berth_contents_set_aside(verify->images->contents, digest, error);
}

static void on_hashed(sd_bus_message *reply, const GError *error, void *userdata) {
    Verify *verify = userdata;
    const BerthBlob *blob = verify->blobs->pdata[verify->blobs->len - 1];
    g_autoptr(GError) local = NULL;
    const char *digest = "unreadable";
    uint64_t size;

    /* What cannot be read is as damaged as what reads wrongly. */
    g_autofree char *algorithm = g_strndup(blob->digest, strcspn(blob->digest, ":"));
    if (!error)
        berth_reply_read_ingested(reply, algorithm, UINT64_MAX, &digest, &size, &local);
    if (!local && !g_str_equal(digest, blob->digest) &&
        berth_content_store_has(berth_contents_get_store(verify->images->contents), blob->digest))
        set_aside(verify, blob->digest, digest, &local);
    if (local) {
        end(verify, local);
        return;
    }
    verify->item->done += blob->size;
    g_ptr_array_set_size(verify->blobs, (gint)verify->blobs->len - 1);
    check_next(verify);
}

static void check_next(Verify *verify) {
    BerthContentStore *store = berth_contents_get_store(verify->images->contents);

    while (!verify->ended && verify->blobs->len > 0) {
        const BerthBlob *blob = verify->blobs->pdata[verify->blobs->len - 1];
        berth_autofd int fd = berth_content_store_open_blob(store, blob->digest, NULL);
        /* It was deleted meanwhile. */
        if (fd < 0) {
            g_ptr_array_set_size(verify->blobs, (gint)verify->blobs->len - 1);
            continue;
        }
        g_autofree char *algorithm = g_strndup(blob->digest, strcspn(blob->digest, ":"));
        berth_call_ingest_hash(verify->worker, fd, algorithm, on_hashed, verify);
        return;
    }
    if (!verify->ended)
        finish(verify);
}

BerthTransfer *berth_verify_start(BerthImages *images, const BerthVerifyRequest *request,
                                  GError **error) {
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
        total += ((BerthBlob *)blobs->pdata[i])->size;
    Verify *verify = g_new0(Verify, 1);
    verify->images = images;
    verify->transfer = transfer;
    verify->refetch = request->refetch;
    verify->worker = g_steal_pointer(&worker);
    verify->blobs = g_steal_pointer(&blobs);
    verify->damaged = g_ptr_array_new_with_free_func(g_free);
    verify->item = berth_transfer_add_item(transfer, "contents", "checking", total);
    transfer->cancel = on_cancel;
    transfer->cancel_userdata = verify;
    check_next(verify);
    return transfer;
}
