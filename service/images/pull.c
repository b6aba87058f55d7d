/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A pull, from the reference to the name: it resolves the reference, checks the policy, fetches
 * (the documents, and the image for the platform, which is unpacked as it arrives), and puts the
 * image's name when all of that is complete. The parts are in separate files (pull-private.h). The
 * object is owned by the transfer's operation.
 */

#include "images/pull-private.h"

#include "images/signatures.h"
#include "snapshots/sync.h"
#include "store/provenance.h"
#include "store/transfer-store.h"
#include "worker/calls.h"
#include "worker/replies.h"

typedef enum {
    PULL_RESOLVING,        /* by HEAD, which is cheap */
    PULL_FETCHING,         /* the target that was resolved, after checking the policy */
    PULL_RESOLVING_BY_GET, /* the name is new, or HEAD has announced a wrong target */
    PULL_FETCHING_BY_GET,
    PULL_NAMING, /* everything is complete */
} PullState;

typedef struct {
    BerthOperation *operation;
    BerthPullContext context;
    PullState state;
    char *reference;
    int64_t record; /* row in berth.db, if the next start resumes it; 0: none */
    BerthDescriptor *target;
    char **warnings;                  /* sent by the registry */
    BerthSignatureSearch *signatures; /* while checking the policy */
    BerthPullObjects *objects;
    BerthPullDocuments *documents;
    BerthPullImage *image; /* NULL: nothing is unpacked */
    unsigned parts;        /* number of unfinished parts: documents and image */
} Pull;

static const char *const pull_kinds[] = {
    [BERTH_PULL_FETCH] = "fetch",
    [BERTH_PULL_PULL] = "pull",
    [BERTH_PULL_UNPACK] = "unpack",
};

static void pull_resolve(Pull *pull);

/* In the reverse order of their creation: image and documents use objects. */
static void pull_clear_parts(Pull *pull) {
    g_clear_pointer(&pull->image, berth_pull_image_free);
    g_clear_pointer(&pull->documents, berth_pull_documents_free);
    g_clear_pointer(&pull->objects, berth_pull_objects_free);
}

static void pull_free(void *object) {
    Pull *pull = object;
    BerthPullContext *context = &pull->context;

    if (pull->record > 0)
        berth_transfer_store_remove(context->images->database, pull->record);
    /* Workers are freed first, before the files and directories that they write. */
    berth_signature_search_free(pull->signatures);
    berth_remote_session_free(context->fetch);
    berth_worker_free(context->ingest);
    berth_worker_free(context->inspect);
    pull_clear_parts(pull);
    berth_pull_unpackers_free(context->unpackers);
    berth_pins_free(context->pins);
    berth_descriptor_free(pull->target);
    g_strfreev(pull->warnings);
    berth_platform_free(context->platform);
    berth_lease_free(context->lease);
    g_free(context->platform_text);
    g_free(context->name);
    g_free(pull->reference);
    g_free(pull);
}

/* The transfer asks for the result before it frees the pull, so documents and image still exist. */
static void pull_report(void *object, BerthTransferResult *result) {
    Pull *pull = object;
    const BerthImageInfo *info = pull->image ? berth_pull_image_get_info(pull->image) : NULL;

    result->name = g_strdup(pull->context.name);
    result->target = berth_descriptor_copy(berth_pull_documents_get_target(pull->documents));
    result->chain_id = info ? g_strdup(info->chain_id) : NULL;
    result->warnings = g_steal_pointer(&pull->warnings);
}

/* Ends the pull. The message names the reference first and then, if a single object has failed, its
 * digest. */
static void pull_fail(Pull *pull, const char *digest, const GError *error) {
    g_autoptr(GError) copy = g_error_copy(error);

    if (digest)
        g_prefix_error(&copy, "%s: %s: ", pull->reference, digest);
    else
        g_prefix_error(&copy, "%s: ", pull->reference);
    berth_operation_end(pull->operation, copy);
}

/* Everything is complete: the name may appear. First, the manifest is recorded as one whose own
 * layers were unpacked to this chain; without that record, the image would count as not unpacked
 * (store/provenance.h). */
static bool pull_put_name(Pull *pull, GError **error) {
    const BerthPullContext *context = &pull->context;
    BerthImages *images = context->images;
    const BerthImageInfo *info = pull->image ? berth_pull_image_get_info(pull->image) : NULL;
    const BerthDescriptor *target = berth_pull_documents_get_target(pull->documents);
    g_autoptr(BerthDescriptor) before = NULL;

    if (info && berth_pull_image_count_layers(pull->image) > 0 &&
        !berth_provenance_add_chain(images->database, info->manifest_digest, info->chain_id, error))
        return false;
    if (context->mode == BERTH_PULL_PULL &&
        !berth_images_put(images, context->name, target, NULL, context->transfer->owner, &before,
                          error))
        return false;
    return true;
}

/* KeepCompressed=no: an unpacked layer is not kept in compressed form as well, once it is on
 * disk. */
static void pull_sync_snapshots(Pull *pull) {
    BerthPullContext *context = &pull->context;
    BerthImages *images = context->images;
    BerthWorker *ingest = g_steal_pointer(&context->ingest);

    if (context->mode != BERTH_PULL_PULL || !pull->image ||
        images->remotes->settings->keep_compressed) {
        berth_snapshots_sync(images->snapshots, images->event, ingest, NULL, NULL);
        return;
    }
    g_autoptr(GPtrArray) blobs = berth_pull_image_list_blobs(pull->image);
    berth_snapshots_sync(images->snapshots, images->event, ingest, berth_pull_drop_on_synced,
                         berth_pull_drop_new(images->contents, g_steal_pointer(&context->pins),
                                             context->name, blobs));
}

static void pull_on_synced(sd_bus_message *reply, const GError *error, void *userdata) {
    Pull *pull = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    (void)reply;
    if (local || !pull_put_name(pull, &local)) {
        pull_fail(pull, NULL, local);
        return;
    }
    /* The operation frees the pull in the next iteration of the loop, so it may still be used
     * below. */
    berth_operation_end(pull->operation, NULL);
    pull_sync_snapshots(pull);
}

/* The renames of blobs are made durable before anything gets a name. Unpack has not renamed any. */
static void pull_finish(Pull *pull) {
    const BerthPullContext *context = &pull->context;

    pull->state = PULL_NAMING;
    if (context->mode == BERTH_PULL_UNPACK)
        pull_on_synced(NULL, NULL, pull);
    else
        berth_contents_sync(context->images->contents, context->ingest, pull_on_synced, pull);
}

/* Whether HEAD may have announced a wrong target, so that GET should be tried. Only true before
 * anything below the target is pending, since that would continue to use these parts. */
static bool pull_is_announced_wrong(const Pull *pull, const char *digest, const GError *error) {
    return pull->state == PULL_FETCHING && pull->context.fetch && digest &&
           berth_pull_documents_are_at_target(pull->documents) &&
           (error->code == BERTH_ERROR_SIZE_MISMATCH || error->code == BERTH_ERROR_LIMIT_EXCEEDED ||
            error->code == BERTH_ERROR_INVALID_ARGUMENT);
}

static void pull_on_part_done(const char *digest, const GError *error, void *userdata) {
    Pull *pull = userdata;

    /* This part is dropped as soon as the reference has been resolved again; its end does not
     * matter. */
    if (pull->state == PULL_RESOLVING_BY_GET)
        return;
    if (error && pull_is_announced_wrong(pull, digest, error)) {
        pull->state = PULL_RESOLVING_BY_GET;
        pull_resolve(pull);
    } else if (error) {
        pull_fail(pull, digest, error);
    } else if (--pull->parts == 0) {
        pull_finish(pull);
    }
}

/* The walk has reached the manifest for the platform. The image becomes a separate part, for which
 * the pull waits as well. */
static void pull_on_found(const char *digest, const BerthDocument *manifest, void *userdata) {
    Pull *pull = userdata;
    const BerthPullImageRequest request = {
        .target_digest = pull->target->digest, .digest = digest, .manifest = manifest};

    /* An index may list the same manifest twice. */
    if (pull->image)
        return;
    pull->image =
        berth_pull_image_new(&pull->context, pull->objects, &request, pull_on_part_done, pull);
    pull->parts++;
    berth_pull_image_start(pull->image);
}

static bool pull_start_inspect(Pull *pull, GError **error) {
    BerthPullContext *context = &pull->context;

    if (!context->inspect)
        context->inspect = berth_worker_new(context->images->event, "inspect", -1, error);
    return context->inspect != NULL;
}

/* berth-fetch is needed first. If all workers were loaded at once, it would have to share a
 * processor with one of them. */
static void pull_on_ingest_serving(void *userdata) {
    pull_start_inspect(userdata, NULL);
}

/* The documents are the first part; the image is the second, once its manifest is known. If the
 * target is new, there is probably a layer to unpack. */
static void pull_fetch(Pull *pull) {
    const BerthPullContext *context = &pull->context;
    g_autoptr(GError) error = NULL;

    if (!pull_start_inspect(pull, &error)) {
        pull_fail(pull, NULL, error);
        return;
    }
    if (context->mode == BERTH_PULL_PULL && !berth_pull_is_stored(context, pull->target->digest))
        berth_pull_unpackers_prepare(context->unpackers);
    pull->objects = berth_pull_objects_new(&pull->context);
    pull->documents = berth_pull_documents_new(&pull->context, pull->objects, pull->target,
                                               pull_on_found, pull_on_part_done, pull);
    pull->parts = 1;
    berth_pull_documents_start(pull->documents);
}

static void pull_on_signature(unsigned key, const GError *error, void *userdata) {
    Pull *pull = userdata;

    (void)key;
    pull->signatures = NULL;
    if (error)
        pull_fail(pull, NULL, error);
    else
        pull_fetch(pull);
}

/* Checks [Policy] of berth.conf before anything of the image is fetched. The policy is looked up by
 * the locator of the registry, whichever mirror answers. */
static void pull_meet_policy(Pull *pull) {
    BerthImages *images = pull->context.images;
    const BerthPolicy *policy = berth_settings_find_policy(
        images->remotes->settings, berth_remote_session_get_locator(pull->context.fetch));
    g_autoptr(GError) error = NULL;

    switch (policy->kind) {
    case BERTH_POLICY_ACCEPT:
        pull_fetch(pull);
        return;
    case BERTH_POLICY_SIGNED:
        pull->signatures =
            berth_signatures_search(images, pull->context.fetch, pull->target->digest, policy->keys,
                                    pull_on_signature, pull, &error);
        break;
    case BERTH_POLICY_REJECT:
    default:
        berth_error_set(&error, BERTH_ERROR_FAILED_PRECONDITION,
                        "the policy for \"%s\" in berth.conf rejects it",
                        policy->prefix[0] ? policy->prefix : "everything");
    }
    if (error)
        pull_fail(pull, NULL, error);
}

/* Content of a target that was announced wrongly is not part of the progress. */
static void pull_reset_items(Pull *pull) {
    GPtrArray *items = pull->context.transfer->items;

    for (guint i = 0; i < items->len; i++) {
        BerthTransferItem *item = items->pdata[i];
        item->phase = "done";
        item->total = item->done = 0;
    }
}

/* Handles the answer to HEAD or to GET. The second time, the parts of the first attempt are dropped
 * before a part for the new target is created. */
static void pull_on_resolved(sd_bus_message *reply, const GError *error, void *userdata) {
    Pull *pull = userdata;
    BerthPullContext *context = &pull->context;
    const char *name = berth_remote_session_get_name(context->fetch);
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    pull_clear_parts(pull);
    pull_reset_items(pull);
    g_clear_pointer(&pull->target, berth_descriptor_free);
    g_clear_pointer(&pull->warnings, g_strfreev);
    if (local ||
        !berth_reply_read_resolved(reply, name, "", &pull->target, &pull->warnings, &local)) {
        /* The message already names the reference. */
        berth_operation_end(pull->operation, local);
        return;
    }
    g_free(context->name);
    context->name = g_strdup(name);
    pull->state = pull->state == PULL_RESOLVING ? PULL_FETCHING : PULL_FETCHING_BY_GET;
    pull_meet_policy(pull);
}

/* Whether the document that the reference leads to has to be fetched in any case. */
static bool pull_is_new(const Pull *pull) {
    const BerthPullContext *context = &pull->context;
    const char *name = berth_remote_session_get_name(context->fetch), *digest = strchr(name, '@');
    g_autoptr(BerthImage) image = berth_image_store_get(context->images->database, name, NULL);

    return context->mode == BERTH_PULL_PULL && !image &&
           !(digest && berth_pull_is_stored(context, digest + 1));
}

static void pull_resolve(Pull *pull) {
    berth_call_fetch_resolve(berth_remote_session_get_worker(pull->context.fetch), NULL,
                             pull->state == PULL_RESOLVING_BY_GET, pull_on_resolved, pull);
}

/* GET sends the document with its digest, and berth-fetch keeps it: the pull of a new name needs
 * one round trip less. */
static void pull_on_ready(BerthRemoteSession *session, const GError *error, void *userdata) {
    Pull *pull = userdata;

    (void)session;
    if (error) {
        berth_operation_end(pull->operation, error);
        return;
    }
    if (pull_is_new(pull))
        pull->state = PULL_RESOLVING_BY_GET;
    pull_resolve(pull);
}

static bool pull_start_workers(Pull *pull, const BerthPullRequest *request, GError **error) {
    BerthPullContext *context = &pull->context;
    sd_event *event = context->images->event;
    const BerthRemoteRequest remote = {
        .reference = request->reference,
        .insecure = request->insecure,
        .credentials = request->credentials,
        .own = request->own,
    };

    if (context->mode != BERTH_PULL_UNPACK &&
        (!(context->fetch = berth_remote_session_new(context->images->remotes, &remote,
                                                     pull_on_ready, pull, error)) ||
         !(context->ingest = berth_worker_new(event, "ingest", -1, error))))
        return false;
    context->unpackers = berth_pull_unpackers_new(context->images);
    if (context->ingest)
        berth_worker_when_serving(context->ingest, pull_on_ingest_serving, pull);
    return true;
}

/* Unpack works on a stored image, by its name, and contacts no remote. */
static bool pull_find_image(Pull *pull, GError **error) {
    g_autoptr(BerthImage) image =
        berth_image_store_get(pull->context.images->database, pull->reference, error);

    if (!image)
        return false;
    pull->context.name = g_strdup(image->name);
    pull->target = berth_descriptor_copy(image->target);
    return true;
}

/* Does everything that can fail before there is a transfer. The transfer is created last: a client
 * never sees one that has not begun. */
static bool pull_prepare(Pull *pull, const BerthPullRequest *request, GError **error) {
    BerthPullContext *context = &pull->context;

    /* The lease is looked up before anything is fetched under it. */
    if (request->lease && request->lease[0] &&
        !(context->lease = berth_lease_store_get(context->images->database, request->lease, error)))
        return false;
    return (context->platform = berth_platform_parse(request->platform, error)) &&
           (context->mode != BERTH_PULL_UNPACK || pull_find_image(pull, error)) &&
           pull_start_workers(pull, request, error) &&
           (context->transfer =
                berth_transfers_add(context->images->transfers, pull_kinds[context->mode],
                                    pull->reference, request->owner, error));
}

/* Records a pull that the next start of the service should resume. A failure is ignored: the pull
 * is then not resumed, but nothing else depends on the record. Credentials are never recorded. */
static void pull_record(Pull *pull, const BerthPullRequest *request) {
    const BerthPullContext *context = &pull->context;
    const BerthTransferRecord record = {
        .kind = (char *)pull_kinds[context->mode],
        .reference = pull->reference,
        .platform = context->platform_text ? context->platform_text : (char *)"",
        .lease = context->lease ? context->lease->id : (char *)"",
        .all_platforms = context->all_platforms,
        .insecure = request->insecure,
        .own = request->own,
        .owner = request->owner,
    };

    berth_transfer_store_add(context->images->database, &record, &pull->record, NULL);
}

BerthTransfer *berth_pull_start(BerthImages *images, const BerthPullRequest *request,
                                GError **error) {
    static const BerthTransferWork work = {.report = pull_report, .free = pull_free};
    Pull *pull = g_new0(Pull, 1);

    pull->context = (BerthPullContext){
        .images = images,
        .mode = request->mode,
        .platform_text = g_strdup(request->platform),
        .all_platforms = request->all_platforms,
        .pins = berth_pins_new(images->contents),
    };
    pull->reference = g_strdup(request->reference);
    if (!pull_prepare(pull, request, error)) {
        pull_free(pull);
        return NULL;
    }
    BerthTransfer *transfer = pull->context.transfer;
    if (request->lasting)
        pull_record(pull, request);
    pull->operation = berth_transfer_begin(transfer, &work, pull);
    /* Otherwise it continues when the session is ready. */
    if (request->mode == BERTH_PULL_UNPACK) {
        pull->state = PULL_FETCHING;
        pull_fetch(pull);
    }
    return transfer;
}
