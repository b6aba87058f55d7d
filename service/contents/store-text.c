/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Content that the service makes itself (the manifest of an image that came without one): it goes
 * the way of all content, through berth-ingest. */

#include "base/fd.h"
#include "contents/contents-private.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <string.h>

struct BerthTextStoring {
    BerthContents *contents;
    BerthWorker *worker;
    sd_event_source *failed; /* where it could not begin */
    GError *error;
    char *key;
    size_t size;
    BerthTextStored done;
    void *userdata;
};

static void finish(BerthTextStoring *storing, const char *digest, const GError *error) {
    if (storing->done)
        storing->done(digest, storing->size, error, storing->userdata);
    if (storing->failed)
        sd_event_source_disable_unref(storing->failed);
    g_clear_error(&storing->error);
    berth_contents_release(storing->contents, storing->key);
    berth_worker_free(storing->worker);
    g_free(storing->key);
    g_free(storing);
}

static void on_ingested(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthTextStoring *storing = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;
    g_autofree char *digest = NULL;
    const char *text;
    uint64_t size;

    if (!local && berth_reply_read_ingested(reply, "sha256", storing->size, &text, &size, &local)) {
        digest = g_strdup(text);
        if (!berth_contents_commit(storing->contents, storing->key, digest, &local) &&
            local->code == BERTH_ERROR_ALREADY_EXISTS)
            g_clear_error(&local);
    }
    finish(storing, local ? NULL : digest, local);
}

void berth_contents_forget_text(BerthTextStoring *storing) {
    if (storing)
        storing->done = NULL;
}

static int on_failed(sd_event_source *source, void *userdata) {
    BerthTextStoring *storing = userdata;

    (void)source;
    finish(storing, NULL, storing->error);
    return 0;
}

BerthTextStoring *berth_contents_store_text(BerthContents *contents, const char *text,
                                            BerthTextStored done, void *userdata) {
    static unsigned counter;
    BerthTextStoring *storing = g_new0(BerthTextStoring, 1);
    g_autoptr(GError) error = NULL;
    uint64_t offset;

    *storing = (BerthTextStoring){
        .contents = contents, .size = strlen(text), .done = done, .userdata = userdata};
    g_autofree char *ref = g_strdup_printf("text %d %u", (int)getpid(), counter++);
    storing->key = berth_ingest_key_new(0, BERTH_INGEST_OF_TRANSFER, ref);
    berth_contents_claim(contents, storing->key, NULL);
    berth_autofd int input = berth_fd_new_in_memory(text, storing->size, &error);
    berth_autofd int file =
        input < 0 ? -1
                  : berth_content_store_begin(contents->store, storing->key, 0, 0, &offset, &error);
    if (file >= 0)
        storing->worker = berth_worker_new(contents->event, "ingest", -1, &error);
    if (!storing->worker) {
        /* From the loop, as every answer. */
        storing->error = g_steal_pointer(&error);
        if (sd_event_add_defer(contents->event, &storing->failed, on_failed, storing) < 0)
            g_error("out of memory");
        return storing;
    }
    const BerthIngestArguments arguments = {input, file, -1, "sha256", 0, storing->size};
    berth_call_ingest_ingest(storing->worker, &arguments, on_ingested, storing);
    return storing;
}
