/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "images/refetch.h"

#include "images/pull.h"

struct BerthRefetch {
    BerthImages *images;
    GPtrArray *digests; /* those to come, the next one last */
    GPtrArray *missing;
    char **sources; /* of the present one */
    guint next_source;
    uint32_t owner;
    GError *error; /* the last reason */
    sd_event_source *begin;
    BerthRefetched done;
    void *userdata;
};

static void try_source(BerthRefetch *refetch);

void berth_refetch_forget(BerthRefetch *refetch) {
    if (refetch)
        refetch->done = NULL;
}

static void finish(BerthRefetch *refetch) {
    if (refetch->done)
        refetch->done(refetch->missing, refetch->error, refetch->userdata);
    refetch->images->busy--;
    sd_event_source_disable_unref(refetch->begin);
    g_ptr_array_unref(refetch->digests);
    g_ptr_array_unref(refetch->missing);
    g_strfreev(refetch->sources);
    g_clear_error(&refetch->error);
    g_free(refetch);
}

static const char *current(const BerthRefetch *refetch) {
    return refetch->digests->pdata[refetch->digests->len - 1];
}

static void next(BerthRefetch *refetch, bool found) {
    if (!found)
        g_ptr_array_add(refetch->missing, g_strdup(current(refetch)));
    g_ptr_array_set_size(refetch->digests, (gint)refetch->digests->len - 1);
    g_clear_pointer(&refetch->sources, g_strfreev);
    refetch->next_source = 0;
    try_source(refetch);
}

static void on_fetched(BerthTransfer *transfer, void *userdata) {
    BerthRefetch *refetch = userdata;

    if (transfer->state == BERTH_TRANSFER_DONE) {
        next(refetch, true);
        return;
    }
    g_clear_error(&refetch->error);
    refetch->error = transfer->error ? g_error_copy(transfer->error) : NULL;
    try_source(refetch);
}

static void try_source(BerthRefetch *refetch) {
    BerthContentStore *store = berth_contents_get_store(refetch->images->contents);

    if (refetch->digests->len == 0) {
        finish(refetch);
        return;
    }
    if (!refetch->sources)
        refetch->sources = berth_content_store_get_sources(store, current(refetch));
    while (refetch->sources[refetch->next_source]) {
        g_autofree char *reference =
            g_strconcat(refetch->sources[refetch->next_source++], "@", current(refetch), NULL);
        const BerthPullRequest request = {
            .mode = BERTH_PULL_FETCH,
            .reference = reference,
            .own = refetch->owner == 0,
            .lease = "",
            .owner = refetch->owner,
        };
        g_clear_error(&refetch->error);
        BerthTransfer *transfer = berth_pull_start(refetch->images, &request, &refetch->error);
        if (transfer) {
            berth_transfer_follow(transfer, on_fetched, refetch);
            return;
        }
    }
    if (!refetch->error)
        berth_error_set(&refetch->error, BERTH_ERROR_NOT_FOUND,
                        "nothing is known of where %s came from", current(refetch));
    next(refetch, false);
}

static int on_begin(sd_event_source *source, void *userdata) {
    (void)source;
    try_source(userdata);
    return 0;
}

BerthRefetch *berth_images_refetch(BerthImages *images, GPtrArray *digests, uint32_t owner,
                                   BerthRefetched done, void *userdata) {
    BerthRefetch *refetch = g_new0(BerthRefetch, 1);

    refetch->images = images;
    refetch->owner = owner;
    refetch->done = done;
    refetch->userdata = userdata;
    refetch->digests = g_ptr_array_new_with_free_func(g_free);
    refetch->missing = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < digests->len; i++)
        g_ptr_array_add(refetch->digests, g_strdup(digests->pdata[i]));
    images->busy++;
    if (sd_event_add_defer(images->event, &refetch->begin, on_begin, refetch) < 0)
        g_error("out of memory");
    return refetch;
}
