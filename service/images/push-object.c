/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sends one object: berth-fetch reads the blob from the descriptor that it is given and uploads it.
 * Both share the descriptor's offset, which is the progress shown by the transfer. A push owns its
 * objects.
 */

#include "images/push-object.h"

#include "base/fd.h"
#include "worker/calls.h"
#include "worker/replies.h"

struct BerthPushObject {
    BerthContentStore *store;
    BerthRemoteSession *session;
    uint32_t owner;
    BerthTransferItem *item;
    char *digest;
    int content;
    BerthPushObjectDone done;
    void *userdata;
};

void berth_push_object_free(BerthPushObject *object) {
    if (!object)
        return;
    object->item->poll = NULL;
    berth_fd_clear(&object->content);
    g_free(object->digest);
    g_free(object);
}

static void push_object_on_pushed(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthPushObject *object = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;
    const char *outcome = local ? NULL : berth_reply_read_pushed(reply, &local);

    if (outcome) {
        object->item->phase = g_str_equal(outcome, "pushed") ? "done" : outcome;
        object->item->done = object->item->total;
        /* From now on, another repository of this registry can mount it from here. */
        berth_content_store_add_source(object->store, object->digest,
                                       berth_remote_session_get_locator(object->session),
                                       object->owner, NULL);
    }
    object->done(object, local, object->userdata);
}

BerthPushObject *berth_push_object_new(const BerthPushObjectRequest *request,
                                       BerthPushObjectDone done, void *userdata, GError **error) {
    static char *const none[] = {NULL};
    const BerthDescriptor *descriptor = request->descriptor;
    int content = berth_content_store_open_blob(request->store, descriptor->digest, error);

    if (content < 0)
        return NULL;
    BerthPushObject *object = g_new0(BerthPushObject, 1);
    *object = (BerthPushObject){.store = request->store,
                                .session = request->session,
                                .owner = request->owner,
                                .item = request->item,
                                .digest = g_strdup(descriptor->digest),
                                .content = content,
                                .done = done,
                                .userdata = userdata};
    berth_transfer_item_watch_position(object->item, &object->content);
    BerthWorker *fetch = berth_remote_session_get_worker(object->session);
    if (request->kind != BERTH_PUSH_BLOB)
        berth_call_fetch_push_manifest(fetch, descriptor, request->kind == BERTH_PUSH_TARGET,
                                       object->content, push_object_on_pushed, object);
    else
        berth_call_fetch_push_blob(fetch, descriptor, request->sources ? request->sources : none,
                                   object->content, push_object_on_pushed, object);
    return object;
}
