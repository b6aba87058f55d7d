/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "contents/contents.h"

#include "contents/contents-private.h"
#include "store/image-store.h"

typedef struct {
    char *ref;
    BerthReleased released;
    void *userdata;
} Waiter;

static void free_waiter(gpointer data) {
    Waiter *waiter = data;

    g_free(waiter->ref);
    g_free(waiter);
}

static int on_released(sd_event_source *source, void *userdata);

BerthContents *berth_contents_new(sd_event *event, BerthContentStore *store,
                                  BerthDatabase *database, BerthRemotes *remotes) {
    BerthContents *contents = g_new0(BerthContents, 1);

    contents->event = sd_event_ref(event);
    contents->store = store;
    contents->database = database;
    contents->remotes = remotes;
    contents->writers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (sd_event_add_defer(event, &contents->released, on_released, contents) < 0)
        g_error("out of memory");
    sd_event_source_set_enabled(contents->released, SD_EVENT_OFF);
    contents->waiters = g_ptr_array_new_with_free_func(free_waiter);
    contents->sessions =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, berth_ingest_session_free);
    return contents;
}

void berth_contents_free(BerthContents *contents) {
    if (!contents)
        return;
    g_hash_table_unref(contents->sessions);
    g_hash_table_unref(contents->writers);
    g_ptr_array_unref(contents->waiters);
    sd_event_source_disable_unref(contents->released);
    sd_event_unref(contents->event);
    g_free(contents);
}

void berth_contents_observe(BerthContents *contents, BerthContentObserver observer,
                            void *userdata) {
    contents->observer = observer;
    contents->userdata = userdata;
}

BerthContentStore *berth_contents_get_store(BerthContents *contents) {
    return contents->store;
}

bool berth_contents_is_busy(BerthContents *contents) {
    return g_hash_table_size(contents->writers) > 0 || contents->objects > 0;
}

bool berth_contents_claim(BerthContents *contents, const char *ref, GError **error) {
    if (g_hash_table_contains(contents->writers, ref))
        return berth_error_set(error, BERTH_ERROR_BUSY, "\"%s\" is being written by another", ref);
    g_hash_table_add(contents->writers, g_strdup(ref));
    return true;
}

void berth_contents_wait(BerthContents *contents, const char *ref, BerthReleased released,
                         void *userdata) {
    Waiter *waiter = g_new0(Waiter, 1);

    *waiter = (Waiter){g_strdup(ref), released, userdata};
    g_ptr_array_add(contents->waiters, waiter);
}

void berth_contents_forget_wait(BerthContents *contents, void *userdata) {
    for (guint i = contents->waiters->len; i-- > 0;)
        if (((Waiter *)contents->waiters->pdata[i])->userdata == userdata)
            g_ptr_array_remove_index(contents->waiters, i);
}

bool berth_contents_is_claimed(BerthContents *contents, const char *ref) {
    return g_hash_table_contains(contents->writers, ref);
}

/* The first in line claims again, in its callback; others for the same ref go on waiting. Each call
 * may change the list, so it is looked through again. */
static int on_released(sd_event_source *source, void *userdata) {
    BerthContents *contents = userdata;

    (void)source;
    for (guint i = 0; i < contents->waiters->len; i++) {
        Waiter *waiter = contents->waiters->pdata[i];
        if (berth_contents_is_claimed(contents, waiter->ref))
            continue;
        BerthReleased released = waiter->released;
        void *data = waiter->userdata;
        g_ptr_array_remove_index(contents->waiters, i);
        released(data);
        i = (guint)-1;
    }
    return 0;
}

void berth_contents_release(BerthContents *contents, const char *ref) {
    g_hash_table_remove(contents->writers, ref);
    /* From the loop: who lets go is in the middle of something. */
    if (contents->waiters->len > 0)
        sd_event_source_set_enabled(contents->released, SD_EVENT_ONESHOT);
}

bool berth_contents_commit(BerthContents *contents, const char *ref, const char *digest,
                           GError **error) {
    g_auto(BerthBlob) blob = {0};

    if (!berth_content_store_commit(contents->store, ref, digest, error))
        return false;
    if (contents->observer && berth_content_store_info(contents->store, digest, &blob, NULL))
        contents->observer(digest, blob.size, BERTH_CONTENT_COMMITTED, contents->userdata);
    return true;
}

bool berth_contents_delete(BerthContents *contents, const char *digest, bool force,
                           GError **error) {
    g_auto(BerthBlob) blob = {0};

    if (!berth_content_store_info(contents->store, digest, &blob, error))
        return false;
    g_autofree char *user = force ? NULL : berth_image_store_find_user(contents->database, digest);
    if (user)
        return berth_error_set(error, BERTH_ERROR_IN_USE,
                               "content %s belongs to the image \"%s\"; delete that first", digest,
                               user);
    if (!berth_content_store_delete(contents->store, digest, error))
        return false;
    if (contents->observer)
        contents->observer(digest, blob.size, BERTH_CONTENT_DELETED, contents->userdata);
    return true;
}

char *berth_contents_blob_ref(const char *digest) {
    return g_strconcat("blob ", digest, NULL);
}
