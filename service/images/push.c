/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "images/push.h"

#include "base/fd.h"
#include "images/closure.h"
#include "images/refetch.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <string.h>

typedef struct Push Push;

typedef struct {
    Push *push;
    const BerthClosureItem *item;
    BerthTransferItem *shown;
    int content; /* shares its position with the worker's, which tells what was sent */
} Object;

struct Push {
    BerthImages *images;
    BerthTransfer *transfer;
    char *reference;
    char *name; /* of the image; NULL for a single object */
    BerthDescriptor *target;
    BerthPlatform *platform;
    bool alone; /* one object, and nothing of what it refers to */
    BerthRemoteSession *session;
    bool ready;
    BerthClosure *closure;
    BerthRefetch *refetch; /* of layers that were dropped once unpacked */
    bool refetched;
    GPtrArray *items;   /* of BerthClosureItem, as the closure gives them */
    GPtrArray *objects; /* of Object, those that are being sent */
    guint next;         /* item to send */
    bool ended;
    GError *error;
};

static void send_more(Push *push);

static void free_object(gpointer data) {
    Object *object = data;

    object->shown->poll = NULL;
    berth_fd_clear(&object->content);
    g_free(object);
}

/* What is being sent is not collected meanwhile. */
static void pin_all(Push *push, bool pin) {
    for (guint i = 0; push->items && i < push->items->len; i++) {
        const BerthClosureItem *item = push->items->pdata[i];
        if (pin)
            berth_contents_pin(push->images->contents, item->descriptor->digest);
        else
            berth_contents_unpin(push->images->contents, item->descriptor->digest);
    }
}

static void free_push(Push *push) {
    berth_closure_free(push->closure);
    berth_refetch_forget(push->refetch);
    berth_remote_session_free(push->session);
    g_clear_pointer(&push->objects, g_ptr_array_unref);
    pin_all(push, false);
    g_clear_pointer(&push->items, g_ptr_array_unref);
    berth_descriptor_free(push->target);
    berth_platform_free(push->platform);
    g_clear_error(&push->error);
    g_free(push->reference);
    g_free(push->name);
    g_free(push);
}

static int on_end(sd_event_source *source, void *userdata) {
    Push *push = userdata;
    BerthTransfer *transfer = push->transfer;
    GError *error = g_steal_pointer(&push->error);

    sd_event_source_unref(source);
    free_push(push);
    berth_transfer_finish(transfer, error);
    return 0;
}

/* From the loop: whoever finds the end is in the middle of something. The first end counts. */
static void end(Push *push, const GError *error) {
    sd_event_source *source;

    if (push->ended)
        return;
    push->ended = true;
    push->error = error ? g_error_copy(error) : NULL;
    if (sd_event_add_defer(push->images->event, &source, on_end, push) < 0)
        g_error("out of memory");
}

static void on_cancel(void *userdata) {
    Push *push = userdata;
    g_autoptr(GError) error = NULL;

    berth_error_set(&error, BERTH_ERROR_CANCELLED, "%s: cancelled", push->reference);
    end(push, error);
}

static void finish(Push *push) {
    const BerthClosureItem *last = push->items->pdata[push->items->len - 1];

    push->transfer->name = g_strdup(berth_remote_session_get_name(push->session));
    push->transfer->target = berth_descriptor_copy(last->descriptor);
    end(push, NULL);
}

static void on_pushed(sd_bus_message *reply, const GError *error, void *userdata) {
    Object *object = userdata;
    Push *push = object->push;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;
    const char *outcome = local ? NULL : berth_reply_read_pushed(reply, &local);

    if (!outcome) {
        end(push, local);
        return;
    }
    object->shown->phase = g_str_equal(outcome, "pushed") ? "done" : outcome;
    object->shown->done = object->shown->total;
    /* Another repository of this registry may take it from here next time. */
    berth_content_store_add_source(berth_contents_get_store(push->images->contents),
                                   object->item->descriptor->digest,
                                   berth_remote_session_get_locator(push->session), NULL);
    g_ptr_array_remove_fast(push->objects, object);
    send_more(push);
}

/* Where the registry may take a blob from. It is not told of repositories that the caller's image
 * does not name: who may push one image need not know where else its layers lie. */
static char **list_sources(Push *push, const char *digest) {
    BerthContentStore *store = berth_contents_get_store(push->images->contents);
    g_auto(GStrv) sources = berth_content_store_get_sources(store, digest);
    g_autoptr(GPtrArray) told = g_ptr_array_new();

    for (char **source = sources; *source; source++) {
        size_t length = strlen(*source);
        bool is_own = push->name && g_str_has_prefix(push->name, *source) &&
                      strchr(":@", push->name[length]) && push->name[length] != '\0';
        if (is_own || push->transfer->owner == 0)
            g_ptr_array_add(told, g_strdup(*source));
    }
    g_ptr_array_add(told, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&told), FALSE);
}

static bool send(Push *push, const BerthClosureItem *item, GError **error) {
    const BerthDescriptor *descriptor = item->descriptor;
    BerthContentStore *store = berth_contents_get_store(push->images->contents);
    bool is_last = item == push->items->pdata[push->items->len - 1];
    Object *object = g_new0(Object, 1);

    object->push = push;
    object->item = item;
    object->shown =
        berth_transfer_add_item(push->transfer, descriptor->digest, "pushing", descriptor->size);
    object->content = berth_content_store_open_blob(store, descriptor->digest, error);
    g_ptr_array_add(push->objects, object);
    if (object->content < 0)
        return false;
    berth_transfer_item_watch_position(object->shown, &object->content);
    BerthWorker *fetch = berth_remote_session_get_worker(push->session);
    if (item->is_document) {
        berth_call_fetch_push_manifest(fetch, descriptor, is_last, object->content, on_pushed,
                                       object);
    } else {
        g_auto(GStrv) sources = list_sources(push, descriptor->digest);
        berth_call_fetch_push_blob(fetch, descriptor, sources, object->content, on_pushed, object);
    }
    return true;
}

/* Blobs go together; a document waits until all that it may refer to is there. */
static void send_more(Push *push) {
    unsigned most = push->images->remotes->settings->parallel_objects;
    g_autoptr(GError) error = NULL;

    while (!push->ended && push->next < push->items->len && push->objects->len < most) {
        const BerthClosureItem *item = push->items->pdata[push->next];
        if (item->is_document && push->objects->len > 0)
            return;
        push->next++;
        if (!send(push, item, &error)) {
            end(push, error);
            return;
        }
    }
    if (!push->ended && push->objects->len == 0)
        finish(push);
}

/* Both the registry is known and what is to be sent. */
static void start(Push *push) {
    g_autoptr(GError) error = NULL;

    if (push->ended || !push->ready || !push->items)
        return;
    if (berth_closure_check(push->items, push->reference, &error))
        send_more(push);
    else
        end(push, error);
}

static void on_ready(BerthRemoteSession *session, const GError *error, void *userdata) {
    Push *push = userdata;

    (void)session;
    if (error) {
        end(push, error);
        return;
    }
    push->ready = true;
    start(push);
}

static void on_collected(GPtrArray *items, const GError *error, void *userdata);

static void collect(Push *push) {
    g_autoptr(GError) error = NULL;

    const BerthClosureScope scope = {.name = push->name};
    push->closure = berth_closure_collect(push->images, push->target, push->platform, &scope,
                                          on_collected, push, &error);
    if (!push->closure)
        end(push, error);
}

static void on_refetched(GPtrArray *missing, const GError *error, void *userdata) {
    Push *push = userdata;

    (void)missing;
    push->refetch = NULL;
    if (error)
        end(push, error);
    else if (!push->ended)
        collect(push);
}

/* Once: what is missing after that is told as it is. */
static bool fetch_missing(Push *push, GPtrArray *items) {
    g_autoptr(GPtrArray) missing = berth_closure_list_missing(push->images, push->name, items);

    if (push->refetched || missing->len == 0)
        return false;
    push->refetched = true;
    push->refetch =
        berth_images_refetch(push->images, missing, push->transfer->owner, on_refetched, push);
    return true;
}

static void on_collected(GPtrArray *items, const GError *error, void *userdata) {
    Push *push = userdata;

    push->closure = NULL;
    if (error) {
        end(push, error);
        return;
    }
    if (fetch_missing(push, items))
        return;
    push->items = g_ptr_array_ref(items);
    pin_all(push, true);
    start(push);
}

static void free_item(gpointer data) {
    BerthClosureItem *item = data;

    berth_descriptor_free(item->descriptor);
    g_free(item);
}

static bool find_object(Push *push, const BerthPushRequest *request, GError **error) {
    BerthContentStore *store = berth_contents_get_store(push->images->contents);
    BerthKind kind = berth_media_type_get_kind(request->media_type);
    g_auto(BerthBlob) blob = {0};

    if (!berth_content_store_info(store, request->digest, &blob, error))
        return false;
    BerthClosureItem *item = g_new0(BerthClosureItem, 1);
    push->target = berth_descriptor_new(request->media_type, request->digest, blob.size);
    item->descriptor = berth_descriptor_copy(push->target);
    item->is_document = kind == BERTH_KIND_MANIFEST || kind == BERTH_KIND_INDEX;
    push->items = g_ptr_array_new_with_free_func(free_item);
    g_ptr_array_add(push->items, item);
    pin_all(push, true);
    return true;
}

static bool find_image(Push *push, const BerthPushRequest *request, GError **error) {
    g_autoptr(BerthImage) image =
        berth_image_store_get(push->images->database, request->name, error);

    if (!image)
        return false;
    push->target = berth_descriptor_copy(image->target);
    if (request->platform && !(push->platform = berth_platform_parse(request->platform, error)))
        return false;
    push->name = g_strdup(request->name);
    const BerthClosureScope scope = {.name = push->name};
    push->closure = berth_closure_collect(push->images, push->target, push->platform, &scope,
                                          on_collected, push, error);
    return push->closure != NULL;
}

BerthTransfer *berth_push_start(BerthImages *images, const BerthPushRequest *request,
                                GError **error) {
    Push *push = g_new0(Push, 1);

    push->images = images;
    push->reference = g_strdup(request->remote.reference);
    push->objects = g_ptr_array_new_with_free_func(free_object);
    if ((request->name ? find_image(push, request, error) : find_object(push, request, error)) &&
        (push->session =
             berth_remote_session_new(images->remotes, &request->remote, on_ready, push, error)))
        push->transfer =
            berth_transfers_add(images->transfers, "push", push->reference, request->owner, error);
    if (!push->transfer) {
        free_push(push);
        return NULL;
    }
    push->transfer->cancel = on_cancel;
    push->transfer->cancel_userdata = push;
    return push->transfer;
}
