/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A push prepares (it opens its session and gathers everything that the image refers to, both at
 * once) and then sends: this file schedules the objects, each of which is sent on its own
 * (push-object.h). The push is owned by the transfer's operation.
 */

#include "images/push.h"

#include "images/gathering.h"
#include "images/push-object.h"

#include <string.h>

typedef struct {
    BerthOperation *operation;
    BerthImages *images;
    BerthTransfer *transfer;
    char *reference;
    char *name; /* of the image; NULL for a single object */
    BerthPlatform *platform;
    BerthRemoteSession *session;
    BerthGathering *gathering; /* of an image, while pending */
    unsigned preparing;        /* how many of the session and the items are still missing */
    GPtrArray *items;   /* of BerthClosureItem, in the order in which a remote accepts them */
    guint next;         /* the item to be sent next */
    BerthPins *pins;    /* of the items */
    GPtrArray *objects; /* of BerthPushObject: being sent */
} Push;

static void push_send_more(Push *push);

static void push_free(void *data) {
    Push *push = data;

    berth_gathering_free(push->gathering);
    /* The worker is killed before the descriptors that it reads are closed. */
    berth_remote_session_free(push->session);
    g_ptr_array_unref(push->objects);
    berth_pins_free(push->pins);
    g_clear_pointer(&push->items, g_ptr_array_unref);
    berth_platform_free(push->platform);
    g_free(push->reference);
    g_free(push->name);
    g_free(push);
}

/* The target is the last item (images/closure.h). */
static const BerthClosureItem *push_get_target(const Push *push) {
    return push->items->pdata[push->items->len - 1];
}

static void push_report(void *object, BerthTransferResult *result) {
    Push *push = object;

    result->name = g_strdup(berth_remote_session_get_name(push->session));
    result->target = berth_descriptor_copy(push_get_target(push)->descriptor);
}

/* The first error ends the push; pending objects are freed with it. */
static void push_on_object_done(BerthPushObject *object, const GError *error, void *userdata) {
    Push *push = userdata;

    if (error) {
        berth_operation_end(push->operation, error);
        return;
    }
    g_ptr_array_remove_fast(push->objects, object);
    push_send_more(push);
}

/* Only the target is pushed under the tag of the reference. Other documents are named by their
 * digests. */
static bool push_send(Push *push, const BerthClosureItem *item, GError **error) {
    const BerthDescriptor *descriptor = item->descriptor;
    BerthContentStore *store = berth_contents_get_store(push->images->contents);
    /* The registry may mount a blob from these repositories (OCI distribution specification,
     * "Mounting a blob from another repository"). A caller who may push one image must not learn
     * from the registry's answers where other users have found its layers. */
    g_auto(GStrv) sources =
        item->is_document ? NULL
                          : berth_content_store_get_sources(store, descriptor->digest,
                                                            push->transfer->owner, push->name);
    const BerthPushObjectRequest request = {
        .store = store,
        .session = push->session,
        .owner = push->transfer->owner,
        .item = berth_transfer_add_item(push->transfer, descriptor->digest, "pushing",
                                        descriptor->size),
        .descriptor = descriptor,
        .kind = !item->is_document              ? BERTH_PUSH_BLOB
                : item == push_get_target(push) ? BERTH_PUSH_TARGET
                                                : BERTH_PUSH_DOCUMENT,
        .sources = sources,
    };
    BerthPushObject *object = berth_push_object_new(&request, push_on_object_done, push, error);

    if (object)
        g_ptr_array_add(push->objects, object);
    return object != NULL;
}

/* Blobs are sent in parallel. A document waits until everything that it may refer to has been sent:
 * registries refuse it otherwise. */
static void push_send_more(Push *push) {
    unsigned most = push->images->remotes->settings->parallel_objects;
    g_autoptr(GError) error = NULL;

    while (push->next < push->items->len && push->objects->len < most) {
        const BerthClosureItem *item = push->items->pdata[push->next];
        if (item->is_document && push->objects->len > 0)
            return;
        push->next++;
        if (!push_send(push, item, &error)) {
            berth_operation_end(push->operation, error);
            return;
        }
    }
    if (push->objects->len == 0)
        berth_operation_end(push->operation, NULL);
}

/* One of the preparations has finished; after the last one, sending starts. */
static void push_prepared(Push *push) {
    g_autoptr(GError) error = NULL;

    if (--push->preparing > 0)
        return;
    if (berth_closure_check(push->items, push->reference, &error))
        push_send_more(push);
    else
        berth_operation_end(push->operation, error);
}

static void push_on_ready(BerthRemoteSession *session, const GError *error, void *userdata) {
    Push *push = userdata;

    (void)session;
    if (error)
        berth_operation_end(push->operation, error);
    else
        push_prepared(push);
}

/* Pinned from here on, so that no item is collected before its turn. */
static void push_take_items(Push *push, GPtrArray *items) {
    push->items = g_ptr_array_ref(items);
    for (guint i = 0; i < items->len; i++)
        berth_pins_add(push->pins, ((BerthClosureItem *)items->pdata[i])->descriptor->digest);
}

static void push_on_gathered(GPtrArray *items, const GError *error, void *userdata) {
    Push *push = userdata;

    push->gathering = NULL;
    if (error) {
        berth_operation_end(push->operation, error);
        return;
    }
    push_take_items(push, items);
    push_prepared(push);
}

/* A single object is sent alone, without anything that it refers to. */
static bool push_find_object(Push *push, const BerthPushRequest *request, GError **error) {
    BerthContentStore *store = berth_contents_get_store(push->images->contents);
    g_autoptr(GPtrArray) items =
        g_ptr_array_new_with_free_func((GDestroyNotify)berth_closure_item_free);
    g_auto(BerthBlob) blob = {0};

    if (!berth_content_store_info(store, request->digest, &blob, error))
        return false;
    g_autoptr(BerthDescriptor) descriptor =
        berth_descriptor_new(request->media_type, request->digest, blob.size);
    g_ptr_array_add(items, berth_closure_item_new(descriptor));
    push_take_items(push, items);
    return true;
}

static bool push_find_image(Push *push, const BerthPushRequest *request, GError **error) {
    g_autoptr(BerthImage) image =
        berth_image_store_get(push->images->database, request->name, error);

    if (!image ||
        (request->platform && !(push->platform = berth_platform_parse(request->platform, error))))
        return false;
    const BerthGatheringRequest gathering = {
        .name = request->name,
        .target = image->target,
        .platform = push->platform,
        .owner = request->owner,
        .held_alone = request->held_alone,
    };
    push->name = g_strdup(request->name);
    push->preparing++;
    push->gathering = berth_gathering_new(push->images, &gathering, push_on_gathered, push, error);
    return push->gathering != NULL;
}

/* Does everything that can fail before there is a transfer, which is created last. The session
 * takes several iterations of the loop, and reports after berth_transfer_begin(). */
static bool push_prepare(Push *push, const BerthPushRequest *request, GError **error) {
    if (request->name ? !push_find_image(push, request, error)
                      : !push_find_object(push, request, error))
        return false;
    push->preparing++;
    return (push->session = berth_remote_session_new(push->images->remotes, &request->remote,
                                                     push_on_ready, push, error)) &&
           (push->transfer = berth_transfers_add(push->images->transfers, "push", push->reference,
                                                 request->owner, error));
}

BerthTransfer *berth_push_start(BerthImages *images, const BerthPushRequest *request,
                                GError **error) {
    static const BerthTransferWork work = {.report = push_report, .free = push_free};
    Push *push = g_new0(Push, 1);

    push->images = images;
    push->reference = g_strdup(request->remote.reference);
    push->pins = berth_pins_new(images->contents);
    push->objects = g_ptr_array_new_with_free_func((GDestroyNotify)berth_push_object_free);
    if (!push_prepare(push, request, error)) {
        push_free(push);
        return NULL;
    }
    push->operation = berth_transfer_begin(push->transfer, &work, push);
    return push->transfer;
}
