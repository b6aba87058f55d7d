/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "images/apply.h"

#include "base/fd.h"

#include <sys/stat.h>

typedef struct {
    BerthImages *images;
    BerthTransfer *transfer;
    BerthWorker *worker;
    int directory;
    char **digests;
    guint next;
    BerthTransferItem *item;
    int content; /* shares its position with the worker's */
    bool ended;
    GError *error;
} Apply;

static void apply_next(Apply *apply);

static int on_end(sd_event_source *source, void *userdata) {
    Apply *apply = userdata;
    BerthTransfer *transfer = apply->transfer;
    GError *error = g_steal_pointer(&apply->error);

    sd_event_source_unref(source);
    if (apply->item)
        apply->item->poll = NULL;
    berth_worker_free(apply->worker);
    berth_fd_clear(&apply->directory);
    berth_fd_clear(&apply->content);
    g_strfreev(apply->digests);
    g_free(apply);
    berth_transfer_finish(transfer, error);
    return 0;
}

static void end(Apply *apply, const GError *error) {
    sd_event_source *source;

    if (apply->ended)
        return;
    apply->ended = true;
    apply->error = error ? g_error_copy(error) : NULL;
    if (sd_event_add_defer(apply->images->event, &source, on_end, apply) < 0)
        g_error("out of memory");
}

static void on_cancel(void *userdata) {
    g_autoptr(GError) error = NULL;

    berth_error_set(&error, BERTH_ERROR_CANCELLED, "cancelled; a part of the layers was applied");
    end(userdata, error);
}

static void on_applied(sd_bus_message *reply, const GError *error, void *userdata) {
    Apply *apply = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    (void)reply;
    apply->item->poll = NULL;
    apply->item->done = apply->item->total;
    apply->item->phase = "done";
    apply->item = NULL;
    berth_fd_clear(&apply->content);
    g_clear_pointer(&apply->worker, berth_worker_free);
    if (local) {
        g_prefix_error(&local, "%s: ", apply->digests[apply->next]);
        end(apply, local);
        return;
    }
    apply->next++;
    apply_next(apply);
}

/* A worker a layer: what one hostile layer may have made of it is no matter to the next. */
static void apply_next(Apply *apply) {
    BerthContentStore *store = berth_contents_get_store(apply->images->contents);
    const char *digest = apply->digests[apply->next];
    g_auto(BerthBlob) blob = {0};
    g_autoptr(GError) error = NULL;

    if (apply->ended)
        return;
    if (!digest) {
        end(apply, NULL);
        return;
    }
    apply->content = berth_content_store_open_blob(store, digest, &error);
    if (apply->content >= 0 && berth_content_store_info(store, digest, &blob, &error))
        apply->worker = berth_worker_new(apply->images->event, "unpack", apply->directory, &error);
    if (!apply->worker) {
        end(apply, error);
        return;
    }
    apply->item = berth_transfer_add_item(apply->transfer, digest, "unpacking", blob.size);
    berth_transfer_item_watch_position(apply->item, &apply->content);
    sd_bus_message *call = berth_worker_new_call(apply->worker, "Apply");
    if (call)
        sd_bus_message_append(call, "ht", apply->content,
                              apply->images->remotes->settings->max_layer_bytes);
    berth_worker_send(apply->worker, call, on_applied, apply);
}

BerthTransfer *berth_apply_start(BerthImages *images, const BerthApplyRequest *request,
                                 GError **error) {
    BerthContentStore *store = berth_contents_get_store(images->contents);

    struct stat status;

    if (fstat(request->directory, &status) < 0 || !S_ISDIR(status.st_mode)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "what was given is no directory");
        return NULL;
    }
    /* All are here before the first one changes anything. */
    for (char *const *digest = request->digests; *digest; digest++) {
        g_auto(BerthBlob) blob = {0};
        if (!berth_content_store_info(store, *digest, &blob, error))
            return NULL;
    }
    BerthTransfer *transfer =
        berth_transfers_add(images->transfers, "apply", "", request->owner, error);
    if (!transfer)
        return NULL;
    Apply *apply = g_new0(Apply, 1);
    apply->images = images;
    apply->transfer = transfer;
    apply->digests = g_strdupv((char **)request->digests);
    apply->directory = fcntl(request->directory, F_DUPFD_CLOEXEC, 3);
    apply->content = -1;
    transfer->cancel = on_cancel;
    transfer->cancel_userdata = apply;
    apply_next(apply);
    return transfer;
}
