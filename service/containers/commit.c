/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Commit, and Diff without a name. What a container has changed becomes a layer and, with a name, a
 * new image based on that of the container. berth-unpack packs the upper directory into a pipe,
 * berth-ingest stores it, and berth-inspect adds the layer to the image's configuration and
 * manifest. A Commit does the work of its transfer, which owns it.
 */

#include "containers/commit.h"

#include "base/fd.h"
#include "containers/core/handle.h"
#include "containers/parts/copy.h"
#include "containers/parts/still.h"
#include "contents/claim.h"
#include "contents/ingestion.h"
#include "images/documents.h"
#include "store/provenance.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <errno.h>

typedef struct {
    BerthOperation *operation;
    BerthImages *images;
    BerthTransfer *transfer;
    BerthContainerHandle container;
    BerthStill *still; /* while a running container is paused for the commit */
    uint64_t changes;  /* of the container, when reading began */
    char *id, *name, *author, *comment;
    char *base_name;       /* of the container's image */
    BerthDescriptor *base; /* its target */
    char *chain_id;        /* of the container */
    BerthWorker *pack, *ingest, *inspect;
    BerthTransferItem *item;
    BerthClaim *claim;         /* on the ingest's key */
    BerthIngestion *ingestion; /* of the layer */
    BerthDescriptor *layer, *config, *manifest;
    char *manifest_digest, *config_digest; /* of the base */
    BerthTextStoring *storing;
    BerthPins *pins;
    BerthOperation *reading; /* of the image, while in progress */
} Commit;

/* Readers and writers are freed before the files and pins they use. */
static void commit_free(void *object) {
    Commit *commit = object;
    BerthDescriptor *const descriptors[] = {commit->base, commit->layer, commit->config,
                                            commit->manifest};
    char *const strings[] = {
        commit->id,       commit->name,      commit->author,          commit->comment,
        commit->chain_id, commit->base_name, commit->manifest_digest, commit->config_digest};

    /* The transfer keeps the item, which must no longer read the size of the ingestion's file. */
    if (commit->item)
        commit->item->poll = NULL;
    berth_operation_abandon(commit->reading);
    berth_still_free(commit->still);
    berth_contents_forget_text(commit->storing);
    berth_worker_free(commit->pack);
    berth_worker_free(commit->ingest);
    berth_worker_free(commit->inspect);
    berth_ingestion_free(commit->ingestion);
    berth_claim_free(commit->claim);
    berth_pins_free(commit->pins);
    for (size_t i = 0; i < G_N_ELEMENTS(descriptors); i++)
        berth_descriptor_free(descriptors[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++)
        g_free(strings[i]);
    g_free(commit);
}

/* The first result counts. The operation frees the commit in the next iteration of the loop, so
 * callers of this function may still use it. */
static void commit_end(Commit *commit, const GError *error) {
    g_autoptr(GError) copy = error ? g_error_copy(error) : NULL;

    if (copy)
        g_prefix_error(&copy, "container \"%s\": ", commit->id);
    berth_operation_end(commit->operation, copy);
}

/* What the commit creates is held for the user who requested it. */
static void commit_hold(Commit *commit, const char *digest) {
    berth_provenance_hold(commit->images->database, commit->transfer->owner, digest, NULL);
}

/* Reports the new image or, without a name, the layer. */
static void commit_report(void *object, BerthTransferResult *result) {
    const Commit *commit = object;

    result->name = g_strdup(commit->name);
    result->target = berth_descriptor_copy(commit->name ? commit->manifest : commit->layer);
}

static void commit_finish(Commit *commit) {
    commit->item->phase = "done";
    commit->item->done = commit->item->total = commit->layer->size;
    commit_end(commit, NULL);
}

static void commit_on_synced(sd_bus_message *reply, const GError *error, void *userdata) {
    Commit *commit = userdata;
    const BerthImagePut put = {commit->name, commit->manifest};
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    (void)reply;
    /* Only now that the content is on disk does the name refer to the new image. The layers below
     * come from the base, and keep their provenance. */
    if (local || !berth_images_put_many(commit->images, &put, 1, commit->base_name,
                                        commit->transfer->owner, &local))
        commit_end(commit, local);
    else
        commit_finish(commit);
}

/* Stores the document that berth-inspect replied with, or ends the commit. */
static void commit_store_document(Commit *commit, sd_bus_message *reply, const GError *reply_error,
                                  BerthTextStored stored) {
    g_autoptr(GError) error = reply_error ? g_error_copy(reply_error) : NULL;
    const char *text;

    if (error || !berth_reply_read_text(reply, &text, &error))
        commit_end(commit, error);
    else
        commit->storing = berth_contents_store_text(commit->images->contents, text, stored, commit);
}

/* The descriptor of a document that has been stored, or NULL if that failed, which ends the commit.
 * Like the layer, it is pinned until the image that refers to it has its name. */
static BerthDescriptor *commit_take_document(Commit *commit, const char *media_type,
                                             const char *digest, uint64_t size,
                                             const GError *error) {
    commit->storing = NULL;
    if (error) {
        commit_end(commit, error);
        return NULL;
    }
    berth_pins_add(commit->pins, digest);
    commit_hold(commit, digest);
    return berth_descriptor_new(media_type, digest, size);
}

/* Ends the commit if the blob cannot be opened; the caller then just returns. */
static int commit_open_blob(Commit *commit, const char *digest) {
    g_autoptr(GError) error = NULL;
    int fd = berth_content_store_open_blob(berth_contents_get_store(commit->images->contents),
                                           digest, &error);

    if (fd < 0)
        commit_end(commit, error);
    return fd;
}

/* Whatever the worker that wrote the manifest has made of it, the name will refer to something that
 * ends with the new layer and has the new configuration: another worker has read it again. */
static void commit_on_read_again(sd_bus_message *reply, const GError *error, void *userdata) {
    Commit *commit = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;
    g_autoptr(BerthDocument) document = local ? NULL : berth_document_read_reply(reply, &local);
    const BerthDescriptor *top = document && document->layers && document->layers->len > 0
                                     ? document->layers->pdata[document->layers->len - 1]
                                     : NULL;

    if (!local && (!top || !document->config || !g_str_equal(top->digest, commit->layer->digest) ||
                   !g_str_equal(document->config->digest, commit->config->digest)))
        berth_reply_set_malformed("inspect", &local);
    if (local)
        commit_end(commit, local);
    else
        berth_contents_sync(commit->images->contents, commit->ingest, commit_on_synced, commit);
}

static void commit_on_manifest_stored(const char *digest, uint64_t size, const GError *error,
                                      void *userdata) {
    Commit *commit = userdata;
    g_autoptr(GError) local = NULL;

    commit->manifest = commit_take_document(commit, BERTH_MEDIA_OCI_MANIFEST, digest, size, error);
    if (!commit->manifest)
        return;
    berth_autofd int manifest = commit_open_blob(commit, digest);
    if (manifest < 0)
        return;
    berth_worker_free(commit->inspect);
    commit->inspect = berth_worker_new(commit->images->event, "inspect", -1, &local);
    if (commit->inspect)
        berth_call_inspect_manifest(commit->inspect, manifest, commit->manifest->media_type,
                                    commit_on_read_again, commit);
    else
        commit_end(commit, local);
}

static void commit_on_manifest(sd_bus_message *reply, const GError *error, void *userdata) {
    commit_store_document(userdata, reply, error, commit_on_manifest_stored);
}

static void commit_on_config_stored(const char *digest, uint64_t size, const GError *error,
                                    void *userdata) {
    Commit *commit = userdata;

    commit->config = commit_take_document(commit, BERTH_MEDIA_OCI_CONFIG, digest, size, error);
    if (!commit->config)
        return;
    berth_autofd int manifest = commit_open_blob(commit, commit->manifest_digest);
    if (manifest < 0)
        return;
    berth_call_inspect_append_to_manifest(commit->inspect, manifest, commit->config, commit->layer,
                                          commit_on_manifest, commit);
}

static void commit_on_config(sd_bus_message *reply, const GError *error, void *userdata) {
    commit_store_document(userdata, reply, error, commit_on_config_stored);
}

/* The name may refer to another image by now, but the layer only fits the one of the container. */
static void commit_on_image(const BerthImageInfo *info, const GError *image_error, void *userdata) {
    Commit *commit = userdata;
    g_autoptr(GError) error = image_error ? g_error_copy(image_error) : NULL;
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *created = g_date_time_format_iso8601(now);

    commit->reading = NULL;
    if (info && !g_str_equal(info->chain_id, commit->chain_id))
        berth_error_set(&error, BERTH_ERROR_FAILED_PRECONDITION,
                        "the name of its image now refers to another image");
    if (error) {
        commit_end(commit, error);
        return;
    }
    commit->manifest_digest = g_strdup(info->manifest_digest);
    commit->config_digest = g_strdup(info->config_digest);
    berth_autofd int config = commit_open_blob(commit, commit->config_digest);
    if (config < 0)
        return;
    const BerthConfigAddition addition = {commit->layer->digest, created, commit->author,
                                          commit->comment};
    berth_call_inspect_append_to_config(commit->inspect, config, &addition, commit_on_config,
                                        commit);
}

/* The pipe has ended, complete or not; only berth-ingest's reply completes the layer. */
static void commit_on_packed(sd_bus_message *reply, const GError *error, void *userdata) {
    Commit *commit = userdata;

    (void)reply;
    berth_ingestion_source_ended(commit->ingestion, error);
}

/* What was read of files that were written or deleted meanwhile is no state of the container. */
static bool commit_check_unchanged(const Commit *commit, GError **error) {
    const BerthContainer *container =
        berth_container_handle_find(&commit->container, commit->id, NULL);

    return (container && container->changes == commit->changes) ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "it was changed or deleted while its changes were read");
}

static void commit_on_ingested(const char *digest, uint64_t size, const GError *error,
                               void *userdata) {
    Commit *commit = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (!local && commit_check_unchanged(commit, &local)) {
        /* Pinned before it exists, so that it cannot be collected in between; held only when it is
         * certain that berth-ingest has not invented the digest. */
        berth_pins_add(commit->pins, digest);
        commit->layer = berth_descriptor_new(BERTH_MEDIA_OCI_LAYER, digest, size);
        if (berth_ingestion_commit(commit->ingestion, digest, &local))
            commit_hold(commit, digest);
    }
    if (local) {
        commit_end(commit, local);
        return;
    }
    g_clear_pointer(&commit->still, berth_still_free);
    berth_claim_release(commit->claim);
    if (!commit->name) {
        commit_finish(commit);
        return;
    }
    commit->reading = berth_images_read_info(commit->images, commit->base_name, commit->base, NULL,
                                             commit_on_image, commit);
}

/* The layer is stored uncompressed, so its digest is also its diff ID. */
static bool commit_start_workers(Commit *commit, const char *key, GError **error) {
    const BerthIngestionRequest request = {
        .ingest = commit->ingest,
        .key = key,
        .owner = commit->transfer->owner,
        .algorithm = BERTH_ALGORITHM_SHA256,
        .limit = commit->images->remotes->settings->max_blob_bytes,
    };

    /* The key consists of the owner and the container, so that a second commit by the same owner is
     * refused while the first one reads the changes. */
    commit->claim = berth_claim_new(commit->images->contents, key, NULL, NULL);
    if (!berth_claim_take(commit->claim))
        return berth_error_set(error, BERTH_ERROR_BUSY, "its changes are being read already");
    commit->ingestion =
        berth_ingestion_new(commit->images->contents, &request, commit_on_ingested, commit, error);
    if (!commit->ingestion)
        return false;
    berth_autofd int input = berth_ingestion_open_pipe(commit->ingestion, -1, error);
    if (input < 0)
        return false;
    commit->item = berth_transfer_add_item(commit->transfer, commit->id, "reading", 0);
    berth_transfer_item_watch_size(commit->item, berth_ingestion_get_file(commit->ingestion));
    berth_call_unpack_pack(commit->pack, input, commit_on_packed, commit);
    return true;
}

/* Pausing the container is sufficient, since frozen processes write nothing; but a copy into it
 * continues. commit_check_unchanged() notices only what begins later. If the name refers to another
 * image by now, commit_on_image() notices. */
static bool commit_begin_reading(Commit *commit, BerthContainer *container, GError **error) {
    g_autofree char *ref = g_strdup_printf("container %s", commit->id);
    g_autofree char *key =
        berth_ingest_key_new(commit->transfer->owner, BERTH_INGEST_OF_TRANSFER, ref);

    commit->changes = container->changes;
    return berth_container_check_not_copied_into(container, error) &&
           commit_start_workers(commit, key, error);
}

/* The container is paused. It may have ended while systemd was asked for that. */
static void commit_on_still(const GError *error, void *userdata) {
    Commit *commit = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;
    BerthContainer *container =
        local ? NULL : berth_container_handle_find(&commit->container, commit->id, &local);

    if (!container || !commit_begin_reading(commit, container, &local))
        commit_end(commit, local);
}

/* A container that is paused for another commit may be resumed as soon as that has ended. */
static bool commit_needs_pause(const BerthContainer *container) {
    return container->record.state == BERTH_CONTAINER_RUNNING ||
           berth_container_is_held_still(container);
}

static bool commit_prepare(Commit *commit, BerthContainer *container,
                           const BerthCommitRequest *request, GError **error) {
    BerthContainers *containers = container->containers;
    g_autofree char *path = g_strconcat(container->record.id, "/upper", NULL);

    if (!berth_container_check_not_starting(container, error))
        return false;
    if (container->record.state == BERTH_CONTAINER_RUNNING && !request->pause)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" is running; stop or pause it first",
                               container->record.id);
    if (!berth_container_check_not_copied_into(container, error))
        return false;
    if (request->name) {
        g_autoptr(BerthImage) image =
            berth_image_store_get(containers->database, container->record.image, error);
        if (!image)
            return false;
        commit->base = berth_descriptor_copy(image->target);
        commit->base_name = g_strdup(image->name);
    }
    berth_autofd int upper =
        openat(containers->directory, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (upper < 0)
        return berth_error_set_errno(error, errno, "open the changes of container %s",
                                     container->record.id);
    return (commit->pack = berth_worker_new(commit->images->event, "unpack", upper, error)) &&
           (commit->ingest = berth_worker_new(commit->images->event, "ingest", -1, error)) &&
           (commit->inspect = berth_worker_new(commit->images->event, "inspect", -1, error)) &&
           (commit->transfer =
                berth_transfers_add(commit->images->transfers, request->name ? "commit" : "diff",
                                    container->record.id, request->owner, error));
}

BerthTransfer *berth_commit_start(BerthContainer *container, const BerthCommitRequest *request,
                                  GError **error) {
    static const BerthTransferWork work = {.report = commit_report, .free = commit_free};
    Commit *commit = g_new0(Commit, 1);
    g_autoptr(GError) local = NULL;

    commit->images = container->containers->images;
    commit->container = berth_container_get_handle(container);
    commit->id = g_strdup(container->record.id);
    commit->name = g_strdup(request->name);
    commit->author = g_strdup(request->author);
    commit->comment = g_strdup(request->comment);
    commit->chain_id = g_strdup(container->record.chain_id);
    commit->pins = berth_pins_new(commit->images->contents);
    if (!commit_prepare(commit, container, request, error)) {
        commit_free(commit);
        return NULL;
    }
    BerthTransfer *transfer = commit->transfer;
    /* This also keeps everything that it refers to. Its name may be removed meanwhile. */
    if (commit->base)
        berth_pins_add(commit->pins, commit->base->digest);
    commit->operation = berth_transfer_begin(transfer, &work, commit);
    /* The transfer owns the commit from now on, and reports its errors. */
    if (request->pause && commit_needs_pause(container))
        commit->still = berth_still_new(container, commit_on_still, commit);
    else if (!commit_begin_reading(commit, container, &local))
        commit_end(commit, local);
    return transfer;
}
