/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Applies layers to a caller's directory, one after the other. The object is owned by the
 * transfer's operation. The one thing to know: a layer that fails ends it, and the layers before it
 * remain applied.
 */

#include "images/apply.h"

#include "bare/envelope.h"
#include "base/fd.h"
#include "base/host-mount.h"
#include "base/limits.h"
#include "worker/calls.h"

#include <errno.h>
#include <sys/stat.h>

typedef struct {
    BerthOperation *operation;
    BerthImages *images;
    BerthTransfer *transfer;
    BerthWorker *worker;
    int directory;
    uint32_t owner;
    char **digests;
    guint next;
    BerthTransferItem *item;
    int content; /* shares its offset with the worker's */
} Apply;

static void apply_next(Apply *apply);

static void apply_free(void *object) {
    Apply *apply = object;

    berth_worker_free(apply->worker);
    berth_fd_clear(&apply->directory);
    berth_fd_clear(&apply->content);
    g_strfreev(apply->digests);
    g_free(apply);
}

/* Advances the progress even if the layer failed; the transfer's error says which one it was. */
static void apply_on_applied(sd_bus_message *reply, const GError *error, void *userdata) {
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
        berth_operation_end(apply->operation, local);
        return;
    }
    apply->next++;
    apply_next(apply);
}

/* Each layer gets a separate worker: a hostile layer that compromises its worker gains nothing for
 * the next one. */
static void apply_next(Apply *apply) {
    BerthContentStore *store = berth_contents_get_store(apply->images->contents);
    const char *digest = apply->digests[apply->next];
    g_auto(BerthBlob) blob = {0};
    g_autoptr(GError) error = NULL;

    if (berth_operation_has_ended(apply->operation))
        return;
    if (!digest) {
        berth_operation_end(apply->operation, NULL);
        return;
    }
    apply->content = berth_content_store_open_blob(store, digest, &error);
    if (apply->content >= 0 && berth_content_store_info(store, digest, &blob, &error))
        apply->worker = berth_worker_new_for_user(apply->images->event, "unpack", apply->directory,
                                                  apply->owner, &error);
    if (!apply->worker) {
        berth_operation_end(apply->operation, error);
        return;
    }
    apply->item = berth_transfer_add_item(apply->transfer, digest, "unpacking", blob.size);
    berth_transfer_item_watch_position(apply->item, &apply->content);
    berth_call_unpack_apply(apply->worker, apply->content,
                            apply->images->remotes->settings->max_layer_bytes, apply_on_applied,
                            apply);
}

/* Describes the directory in the question to polkit. A directory whose mount is not in the host's
 * namespace cannot be found there by its path, and the text says so. */
char *berth_apply_describe_directory(int directory) {
    BerthEnvelopeNote note;

    if (!berth_envelope_read(directory, &note))
        return g_strdup("(unreachable)");
    g_autofree char *valid = g_utf8_make_valid(note.path, -1);
    return g_strconcat(berth_host_mount_exists(note.mount_id) ? "" : "(unreachable)", valid, NULL);
}

/* Uses only attributes that the kernel has cached: a file system of the caller's (FUSE, a network)
 * could make berthd wait forever. If there are none (mode 0), this is left to the worker, which
 * checks the owner in any case. */
static bool check_directory(const BerthApplyRequest *request, GError **error) {
    BerthEnvelopeNote note;

    if (!berth_envelope_read(request->directory, &note))
        return berth_error_set_errno(error, errno, "examine the directory to apply layers onto");
    if (note.mode == 0)
        return true;
    if (!S_ISDIR(note.mode))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the descriptor to apply layers onto is not a directory");
    return request->owner == 0 || note.uid == request->owner ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "the directory belongs to user %u; layers are applied for user %u onto "
                           "directories of that user only",
                           note.uid, request->owner);
}

/* The directory is duplicated, since the call's descriptor is closed with the call. */
BerthTransfer *berth_apply_start(BerthImages *images, const BerthApplyRequest *request,
                                 GError **error) {
    static const BerthTransferWork work = {.free = apply_free, .is_partial = true};
    BerthContentStore *store = berth_contents_get_store(images->contents);

    if (!check_directory(request, error))
        return NULL;
    if (g_strv_length((char **)request->digests) > BERTH_MAX_LAYERS) {
        berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED, "one call applies at most %d layers",
                        BERTH_MAX_LAYERS);
        return NULL;
    }
    /* All layers must be present before the first one changes anything. */
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
    apply->owner = request->owner;
    apply->directory = fcntl(request->directory, F_DUPFD_CLOEXEC, 3);
    apply->content = -1;
    apply->operation = berth_transfer_begin(transfer, &work, apply);
    apply_next(apply);
    return transfer;
}
