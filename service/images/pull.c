/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "images/pull-private.h"

#include "base/fd.h"
#include "base/log.h"
#include "store/provenance.h"
#include "store/transfer-store.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <sys/stat.h>

enum { MAX_INDEXES = 16 };

static void fetch_document(BerthPull *pull, const BerthDescriptor *descriptor);

void berth_pull_pin(BerthPull *pull, const char *digest) {
    berth_pins_add(pull->pins, digest);
}

static void pull_free(void *object) {
    BerthPull *pull = object;

    if (pull->record > 0)
        berth_transfer_store_remove(pull->images->database, pull->record);
    /* Workers first: what they write into is removed after them. */
    berth_signature_search_free(pull->signatures);
    berth_remote_session_free(pull->fetch);
    berth_worker_free(pull->ingest);
    berth_worker_free(pull->inspect);
    g_ptr_array_unref(pull->layers);
    berth_pins_free(pull->pins);
    g_queue_clear(&pull->queued);
    g_hash_table_unref(pull->objects);
    g_hash_table_unref(pull->embedded);
    g_clear_pointer(&pull->manifest_layers, g_ptr_array_unref);
    berth_descriptor_free(pull->manifest_config);
    berth_descriptor_free(pull->target);
    berth_image_info_free(pull->info);
    berth_platform_free(pull->platform);
    g_free(pull->manifest_digest);
    g_free(pull->chosen);
    g_free(pull->platform_text);
    berth_lease_free(pull->lease);
    g_free(pull->reference);
    g_free(pull->name);
    g_free(pull);
}

static void end(BerthPull *pull, GError *error) {
    berth_operation_end(pull->operation, error);
    g_clear_error(&error);
}

void berth_pull_fail(BerthPull *pull, const GError *error, const char *what) {
    GError *copy = g_error_copy(error);

    if (what)
        g_prefix_error(&copy, "%s: %s: ", pull->reference, what);
    else
        g_prefix_error(&copy, "%s: ", pull->reference);
    end(pull, copy);
}

/* Snapshots reach the disk in their own time; until then they are known to be of this boot. */
typedef struct {
    BerthOperation *operation;
    BerthImages *images;
    BerthWorker *worker;
    int64_t newest_usec;
} SnapshotSync;

static void snapshot_sync_free(void *object) {
    SnapshotSync *sync = object;

    berth_worker_free(sync->worker);
    g_free(sync);
}

static void snapshot_sync_on_synced(sd_bus_message *reply, const GError *error, void *userdata) {
    SnapshotSync *sync = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    (void)reply;
    if (local ||
        !berth_snapshot_store_set_synced(sync->images->snapshots, sync->newest_usec, &local))
        berth_log_warning(NULL, NULL, "Cannot sync snapshots: %s", local->message);
    berth_operation_end(sync->operation, local);
}

static void sync_snapshots(BerthImages *images) {
    static const BerthOperationType type = {.free = snapshot_sync_free};
    g_autoptr(BerthWorker) worker = NULL;
    int64_t newest;

    if (!berth_snapshot_store_has_unsynced(images->snapshots, &newest) ||
        !(worker = berth_worker_new(images->event, "ingest", -1, NULL)))
        return;
    SnapshotSync *sync = g_new0(SnapshotSync, 1);
    *sync = (SnapshotSync){NULL, images, g_steal_pointer(&worker), newest};
    sync->operation = berth_operation_new(images->event, &type, sync);
    berth_call_ingest_sync_file_system(sync->worker,
                                       berth_snapshot_store_get_directory(images->snapshots),
                                       snapshot_sync_on_synced, sync);
}

/* KeepCompressed=no: a layer that is unpacked is not kept twice. What another transfer is about to
 * use stays. */
static void drop_layers(BerthPull *pull) {
    BerthImages *images = pull->images;
    g_autoptr(GPtrArray) dropped = g_ptr_array_new();
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < pull->layers->len; i++) {
        const char *digest = ((BerthPullLayer *)pull->layers->pdata[i])->descriptor->digest;
        if (berth_contents_count_pins(images->contents, digest) == 1 &&
            berth_content_store_has(berth_contents_get_store(images->contents), digest))
            g_ptr_array_add(dropped, (gpointer)digest);
    }
    if (!berth_contents_discard(images->contents, dropped, &error))
        berth_log_warning("BERTH_IMAGE", pull->name, "Cannot drop layers of %s: %s", pull->name,
                          error->message);
}

/* Everything is there: the name may appear. */
static void put_name(BerthPull *pull) {
    BerthImages *images = pull->images;
    g_autoptr(BerthDescriptor) before = NULL;
    g_autoptr(GError) error = NULL;

    if ((pull->layers->len > 0 &&
         !berth_provenance_add_chain(images->database, pull->manifest_digest, pull->info->chain_id,
                                     &error)) ||
        (pull->mode == BERTH_PULL_PULL &&
         !berth_images_put(images, pull->name, pull->target, NULL, pull->transfer->owner, &before,
                           &error))) {
        berth_pull_fail(pull, error, NULL);
        return;
    }
    pull->transfer->name = g_strdup(pull->name);
    pull->transfer->target = berth_descriptor_copy(pull->target);
    pull->transfer->chain_id =
        pull->info && pull->mode != BERTH_PULL_FETCH ? g_strdup(pull->info->chain_id) : NULL;
    if (pull->mode == BERTH_PULL_PULL && !images->remotes->settings->keep_compressed)
        drop_layers(pull);
    end(pull, NULL);
    sync_snapshots(images);
}

static void on_synced(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthPull *pull = userdata;

    (void)reply;
    if (error)
        berth_pull_fail(pull, error, NULL);
    else
        put_name(pull);
}

/* The blobs' renames are made durable before anything is named. */
static void finish(BerthPull *pull) {
    BerthContentStore *store = berth_contents_get_store(pull->images->contents);

    if (pull->mode == BERTH_PULL_UNPACK) {
        put_name(pull);
        return;
    }
    berth_call_ingest_sync(pull->ingest,
                           berth_content_store_get_directory(store, pull->target->digest),
                           on_synced, pull);
}

void berth_pull_start_layers(BerthPull *pull) {
    while (!berth_operation_has_ended(pull->operation)) {
        BerthPullLayer *next = NULL;
        unsigned running = 0;
        for (guint i = pull->layers->len; i-- > 0;) {
            BerthPullLayer *layer = pull->layers->pdata[i];
            running += layer->state == LAYER_UNPACKING;
            if (layer->state == LAYER_WAITING)
                next = layer;
        }
        if (!next || running >= pull->images->remotes->settings->parallel_layers)
            return;
        berth_pull_layer_start(next);
    }
}

void berth_pull_done_one(BerthPull *pull) {
    if (--pull->pending > 0)
        berth_pull_start_layers(pull);
    else if (!berth_operation_has_ended(pull->operation))
        finish(pull);
}

static void on_plain_object(BerthPull *pull, const BerthDescriptor *descriptor, void *userdata) {
    (void)descriptor;
    (void)userdata;
    berth_pull_done_one(pull);
}

/* Blobs of the manifest without unpacking: Fetch, and layers of images that nothing runs. */
static void fetch_blobs(BerthPull *pull, GPtrArray *descriptors) {
    pull->pending += descriptors->len;
    for (guint i = 0; i < descriptors->len; i++)
        berth_pull_object(pull, descriptors->pdata[i], NULL, NULL, on_plain_object, NULL);
}

static bool make_layers(BerthPull *pull, GError **error) {
    GPtrArray *descriptors = pull->manifest_layers;
    BerthPullLayer *below = NULL;

    if (g_strv_length(pull->info->diff_ids) != descriptors->len)
        return berth_error_set(
            error, BERTH_ERROR_INVALID_ARGUMENT,
            "the manifest has %u layers, but the image configuration %u diff IDs", descriptors->len,
            g_strv_length(pull->info->diff_ids));
    for (guint i = 0; i < descriptors->len; i++) {
        BerthDescriptor *descriptor = descriptors->pdata[i];
        if (berth_media_type_get_kind(descriptor->media_type) != BERTH_KIND_LAYER)
            return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                                   "layer %s has the unknown media type %.200s", descriptor->digest,
                                   descriptor->media_type);
        BerthPullLayer *layer = g_new0(BerthPullLayer, 1);
        layer->pull = pull;
        layer->below = below;
        layer->descriptor = berth_descriptor_copy(descriptor);
        layer->diff_id = g_strdup(pull->info->diff_ids[i]);
        layer->chain_id = berth_chain_id_next(below ? below->chain_id : NULL, layer->diff_id);
        berth_pull_pin(pull, layer->chain_id);
        layer->item = berth_transfer_add_item(pull->transfer, descriptor->digest, "waiting",
                                              descriptor->size);
        g_ptr_array_add(pull->layers, layer);
        below = layer;
    }
    return true;
}

static void on_config_read(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthPull *pull = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (!local)
        pull->info = berth_image_info_read_reply(reply, pull->manifest_digest,
                                                 pull->manifest_config->digest, &local);
    if (local || !make_layers(pull, &local) ||
        !berth_images_remember_info(pull->images, pull->target->digest, pull->platform_text,
                                    pull->info, &local)) {
        berth_pull_fail(pull, local, pull->manifest_config->digest);
        return;
    }
    pull->pending += pull->layers->len;
    /* The configuration itself was pending until here. */
    berth_pull_done_one(pull);
}

static void on_config(BerthPull *pull, const BerthDescriptor *descriptor, void *userdata) {
    BerthContentStore *store = berth_contents_get_store(pull->images->contents);
    g_autoptr(GError) error = NULL;

    (void)userdata;
    berth_autofd int blob = berth_content_store_open_blob(store, descriptor->digest, &error);
    if (blob < 0) {
        berth_pull_fail(pull, error, NULL);
        return;
    }
    berth_call_inspect_config(pull->inspect, blob, on_config_read, pull);
}

static void take_manifest(BerthPull *pull, const char *digest, const BerthDocument *document) {
    bool is_image = berth_media_type_get_kind(document->config->media_type) == BERTH_KIND_CONFIG;
    g_autoptr(GError) error = NULL;

    if (!is_image && pull->mode == BERTH_PULL_UNPACK && g_str_equal(digest, pull->chosen)) {
        berth_document_set_artifact_error(document, &error);
        berth_pull_fail(pull, error, NULL);
        return;
    }
    /* Artifacts are kept and named, but there is nothing to unpack. */
    if (is_image && pull->mode != BERTH_PULL_FETCH && g_str_equal(digest, pull->chosen)) {
        pull->manifest_digest = g_strdup(digest);
        pull->manifest_config = berth_descriptor_copy(document->config);
        pull->manifest_layers = g_ptr_array_ref(document->layers);
        /* Pending: the configuration in place of this manifest. */
        berth_pull_object(pull, document->config, NULL, NULL, on_config, NULL);
        return;
    }
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    g_ptr_array_add(all, document->config);
    for (guint i = 0; i < document->layers->len; i++)
        g_ptr_array_add(all, document->layers->pdata[i]);
    fetch_blobs(pull, all);
    berth_pull_done_one(pull);
}

static void take_index(BerthPull *pull, const char *digest, const BerthDocument *document) {
    g_autoptr(GError) error = NULL;
    const BerthDescriptor *chosen = NULL;

    if (++pull->indexes > MAX_INDEXES)
        berth_error_set(&error, BERTH_ERROR_LIMIT_EXCEEDED, "more than %d indexes", MAX_INDEXES);
    else if (g_str_equal(digest, pull->chosen) &&
             !(pull->all_platforms && pull->mode == BERTH_PULL_FETCH))
        chosen = berth_document_choose(document, pull->platform, &error);
    if (error) {
        berth_pull_fail(pull, error, NULL);
        return;
    }
    if (chosen) {
        g_free(pull->chosen);
        pull->chosen = g_strdup(chosen->digest);
    }
    for (guint i = 0; i < document->entries->len; i++) {
        const BerthIndexedManifest *entry = document->entries->pdata[i];
        if (!pull->all_platforms && entry->descriptor != chosen)
            continue;
        pull->pending++;
        fetch_document(pull, entry->descriptor);
    }
    /* The index itself was pending until here. */
    berth_pull_done_one(pull);
}

typedef struct {
    BerthPull *pull;
    char *digest;
} Document;

static void unref_bytes(gpointer data) {
    g_bytes_unref(data);
}

static void take_embedded(BerthPull *pull, const BerthDocument *document) {
    GHashTableIter content;
    gpointer digest, data;

    g_hash_table_iter_init(&content, document->embedded);
    while (g_hash_table_iter_next(&content, &digest, &data))
        g_hash_table_insert(pull->embedded, g_strdup(digest), g_bytes_ref(data));
}

static void on_document_read(sd_bus_message *reply, const GError *error, void *userdata) {
    Document *question = userdata;
    BerthPull *pull = question->pull;
    g_autofree char *digest = g_steal_pointer(&question->digest);
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    g_free(question);
    g_autoptr(BerthDocument) document = local ? NULL : berth_document_read_reply(reply, &local);
    if (!document || !berth_images_record_children(pull->images, digest, document, &local)) {
        if (local->code != BERTH_ERROR_INVALID_ARGUMENT || !berth_pull_resolve_again(pull, digest))
            berth_pull_fail(pull, local, digest);
        return;
    }
    take_embedded(pull, document);
    if (document->is_index)
        take_index(pull, digest, document);
    else
        take_manifest(pull, digest, document);
}

/* A target that was here before has not been fetched, and its size not compared with HEAD's. */
static void set_target_size(BerthPull *pull, const BerthDescriptor *descriptor, int blob) {
    struct stat status;

    if (g_str_equal(descriptor->digest, pull->target->digest) && fstat(blob, &status) == 0)
        pull->target->size = (uint64_t)status.st_size;
}

static void on_document(BerthPull *pull, const BerthDescriptor *descriptor, void *userdata) {
    BerthContentStore *store = berth_contents_get_store(pull->images->contents);
    BerthKind kind = berth_media_type_get_kind(descriptor->media_type);
    g_autoptr(GError) error = NULL;

    (void)userdata;
    if (kind != BERTH_KIND_MANIFEST && kind != BERTH_KIND_INDEX) {
        /* Fetch by a blob's digest, or an artifact in an index: kept as it is. */
        if (pull->mode == BERTH_PULL_FETCH || !g_str_equal(descriptor->digest, pull->chosen)) {
            berth_pull_done_one(pull);
            return;
        }
        bool is_schema_1 = g_str_has_prefix(descriptor->media_type,
                                            "application/vnd.docker.distribution.manifest.v1");
        berth_error_set(&error, BERTH_ERROR_UNSUPPORTED,
                        is_schema_1 ? "%.200s: this is a Docker schema 1 image, which is no longer "
                                      "supported: push it again with a current tool"
                                    : "%.200s is neither a manifest nor an index",
                        descriptor->media_type);
        berth_pull_fail(pull, error, descriptor->digest);
        return;
    }
    berth_autofd int blob = berth_content_store_open_blob(store, descriptor->digest, &error);
    if (blob < 0) {
        berth_pull_fail(pull, error, NULL);
        return;
    }
    set_target_size(pull, descriptor, blob);
    Document *question = g_new0(Document, 1);
    *question = (Document){pull, g_strdup(descriptor->digest)};
    berth_call_inspect_manifest(pull->inspect, blob, descriptor->media_type, on_document_read,
                                question);
}

static void fetch_document(BerthPull *pull, const BerthDescriptor *descriptor) {
    berth_pull_object(pull, descriptor, NULL, NULL, on_document, NULL);
}

static void start_from_target(BerthPull *pull) {
    pull->pending = 1;
    g_free(pull->chosen);
    pull->chosen = g_strdup(pull->target->digest);
    fetch_document(pull, pull->target);
}

static void on_signature(unsigned key, const GError *error, void *userdata) {
    BerthPull *pull = userdata;

    (void)key;
    pull->signatures = NULL;
    if (error)
        berth_pull_fail(pull, error, NULL);
    else
        start_from_target(pull);
}

/* [Policy]: before anything of the image is fetched. */
static void meet_policy(BerthPull *pull) {
    const char *locator = berth_remote_session_get_locator(pull->fetch);
    const BerthPolicy *policy =
        berth_settings_find_policy(pull->images->remotes->settings, locator);
    g_autoptr(GError) error = NULL;

    switch (policy->kind) {
    case BERTH_POLICY_ACCEPT:
        start_from_target(pull);
        return;
    case BERTH_POLICY_SIGNED:
        pull->signatures = berth_signatures_search(pull->images, pull->fetch, pull->target->digest,
                                                   policy->keys, on_signature, pull, &error);
        break;
    case BERTH_POLICY_REJECT:
    default:
        berth_error_set(&error, BERTH_ERROR_FAILED_PRECONDITION,
                        "the policy for \"%s\" rejects it; [Policy] of berth.conf says so",
                        policy->prefix[0] ? policy->prefix : "everything");
    }
    if (error)
        berth_pull_fail(pull, error, NULL);
}

static void on_resolved(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthPull *pull = userdata;
    g_autoptr(GError) local = NULL;
    const char *name = berth_remote_session_get_name(pull->fetch);

    g_clear_pointer(&pull->target, berth_descriptor_free);
    g_clear_pointer(&pull->transfer->warnings, g_strfreev);
    if (error || !berth_reply_read_resolved(reply, name, "", &pull->target,
                                            &pull->transfer->warnings, &local)) {
        /* The message names the reference already. */
        end(pull, error ? g_error_copy(error) : g_steal_pointer(&local));
        return;
    }
    g_free(pull->name);
    pull->name = g_strdup(name);
    meet_policy(pull);
}

static void resolve(BerthPull *pull) {
    berth_call_fetch_resolve(berth_remote_session_get_worker(pull->fetch), NULL, pull->with_get,
                             on_resolved, pull);
}

bool berth_pull_resolve_again(BerthPull *pull, const char *digest) {
    if (berth_operation_has_ended(pull->operation) || pull->with_get || !pull->fetch ||
        !g_str_equal(digest, pull->target->digest))
        return false;
    g_hash_table_remove(pull->objects, digest);
    pull->with_get = true;
    resolve(pull);
    return true;
}

static void on_ready(BerthRemoteSession *session, const GError *error, void *userdata) {
    BerthPull *pull = userdata;

    if (error) {
        end(pull, g_error_copy(error));
        return;
    }
    (void)session;
    resolve(pull);
}

static bool start_workers(BerthPull *pull, const BerthPullRequest *request, GError **error) {
    bool remote = pull->mode != BERTH_PULL_UNPACK;
    const BerthRemoteRequest of_remote = {
        .reference = request->reference,
        .insecure = request->insecure,
        .credentials = request->credentials,
        .own = request->own,
    };

    if (remote && !(pull->fetch = berth_remote_session_new(pull->images->remotes, &of_remote,
                                                           on_ready, pull, error)))
        return false;
    if (remote && !(pull->ingest = berth_worker_new(pull->images->event, "ingest", -1, error)))
        return false;
    pull->inspect = berth_worker_new(pull->images->event, "inspect", -1, error);
    return pull->inspect != NULL;
}

/* A lease is named before anything is fetched under it. */
static bool find_lease(BerthPull *pull, const char *id, GError **error) {
    if (!id || id[0] == '\0')
        return true;
    pull->lease = berth_lease_store_get(pull->images->database, id, error);
    return pull->lease != NULL;
}

static bool prepare(BerthPull *pull, const BerthPullRequest *request, GError **error) {
    if (!find_lease(pull, request->lease, error))
        return false;
    pull->platform = berth_platform_parse(pull->platform_text, error);
    if (!pull->platform)
        return false;
    if (pull->mode == BERTH_PULL_UNPACK) {
        g_autoptr(BerthImage) image =
            berth_image_store_get(pull->images->database, pull->reference, error);
        if (!image)
            return false;
        pull->name = g_strdup(image->name);
        pull->target = berth_descriptor_copy(image->target);
    }
    return start_workers(pull, request, error);
}

static const char *const kinds[] = {
    [BERTH_PULL_FETCH] = "fetch",
    [BERTH_PULL_PULL] = "pull",
    [BERTH_PULL_UNPACK] = "unpack",
};

/* Without a record it is only not taken up again. */
static void record(BerthPull *pull, const BerthPullRequest *request) {
    const BerthTransferRecord record = {
        .kind = (char *)kinds[pull->mode],
        .reference = pull->reference,
        .platform = pull->platform_text ? pull->platform_text : (char *)"",
        .lease = pull->lease ? pull->lease->id : (char *)"",
        .all_platforms = pull->all_platforms,
        .insecure = request->insecure,
        .own = request->own,
        .owner = request->owner,
    };

    berth_transfer_store_add(pull->images->database, &record, &pull->record, NULL);
}

void berth_pull_resume_all(BerthImages *images) {
    g_autoptr(GPtrArray) records = berth_transfer_store_take(images->database, NULL);

    for (guint i = 0; records && i < records->len; i++) {
        const BerthTransferRecord *record = records->pdata[i];
        g_autoptr(GError) error = NULL;
        const BerthPullRequest request = {
            .mode = g_str_equal(record->kind, "pull") ? BERTH_PULL_PULL : BERTH_PULL_FETCH,
            .reference = record->reference,
            .platform = record->platform[0] ? record->platform : NULL,
            .all_platforms = record->all_platforms,
            .insecure = record->insecure,
            /* As it was when it began, with a rule that may be another by now. */
            .own = record->own,
            .lease = record->lease,
            .owner = record->owner,
            .lasting = true,
        };
        if (!berth_pull_start(images, &request, &error))
            berth_log_warning("BERTH_IMAGE", record->reference, "Cannot go on with %s: %s",
                              record->reference, error->message);
    }
}

BerthTransfer *berth_pull_start(BerthImages *images, const BerthPullRequest *request,
                                GError **error) {
    static const BerthTransferWork work = {.free = pull_free};
    BerthPull *pull = g_new0(BerthPull, 1);

    pull->images = images;
    pull->mode = request->mode;
    pull->reference = g_strdup(request->reference);
    pull->platform_text = g_strdup(request->platform);
    pull->all_platforms = request->all_platforms;
    pull->pins = berth_pins_new(images->contents);
    pull->embedded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_bytes);
    pull->objects = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, berth_pull_object_free);
    pull->layers = g_ptr_array_new_with_free_func(berth_pull_layer_free);
    if (prepare(pull, request, error))
        pull->transfer = berth_transfers_add(images->transfers, kinds[pull->mode], pull->reference,
                                             request->owner, error);
    if (!pull->transfer) {
        pull_free(pull);
        return NULL;
    }
    BerthTransfer *transfer = pull->transfer;
    if (request->lasting)
        record(pull, request);
    pull->operation = berth_transfer_begin(transfer, &work, pull);
    /* Otherwise the session says when it is ready. */
    if (pull->mode == BERTH_PULL_UNPACK)
        start_from_target(pull);
    return transfer;
}
