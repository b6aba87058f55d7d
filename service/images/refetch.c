/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fetches the digests one after the other. The known sources of each are tried in turn until one of
 * them has it. The operation owns the object; if the caller has been forgotten (done is NULL), the
 * work continues nevertheless.
 */

#include "images/refetch.h"

#include "images/pull.h"

struct BerthRefetch {
    BerthOperation *operation;
    BerthImages *images;
    GPtrArray *digests; /* still to be fetched, the next one last */
    GPtrArray *missing;
    char **sources; /* of the current digest */
    guint next_source;
    uint32_t owner, of; /* of the transfers; of the sources: 0 for those of all users */
    char *name;
    GError *error; /* the reason for the last failure */
    BerthRefetched done;
    void *userdata;
};

static void refetch_try_source(BerthRefetch *refetch);

void berth_refetch_forget(BerthRefetch *refetch) {
    if (refetch)
        refetch->done = NULL;
}

static void refetch_report(void *object, const GError *error) {
    BerthRefetch *refetch = object;

    if (refetch->done)
        refetch->done(refetch->missing, error, refetch->userdata);
}

static void refetch_free(void *object) {
    BerthRefetch *refetch = object;

    g_ptr_array_unref(refetch->digests);
    g_ptr_array_unref(refetch->missing);
    g_strfreev(refetch->sources);
    g_free(refetch->name);
    g_clear_error(&refetch->error);
    g_free(refetch);
}

static const char *refetch_current(const BerthRefetch *refetch) {
    return refetch->digests->pdata[refetch->digests->len - 1];
}

/* Continues with the next digest. One that no source has is recorded as missing and does not end
 * the work. */
static void refetch_next(BerthRefetch *refetch, bool found) {
    if (!found)
        g_ptr_array_add(refetch->missing, g_strdup(refetch_current(refetch)));
    g_ptr_array_set_size(refetch->digests, (gint)refetch->digests->len - 1);
    g_clear_pointer(&refetch->sources, g_strfreev);
    refetch->next_source = 0;
    refetch_try_source(refetch);
}

/* The list of transfers owns the transfer, which is only read here. If it failed, the next source
 * is tried. */
static void refetch_on_fetched(BerthTransfer *transfer, void *userdata) {
    BerthRefetch *refetch = userdata;

    if (transfer->state == BERTH_TRANSFER_DONE) {
        refetch_next(refetch, true);
        return;
    }
    g_clear_error(&refetch->error);
    refetch->error = transfer->error ? g_error_copy(transfer->error) : NULL;
    refetch_try_source(refetch);
}

/* Each attempt is a separate transfer, which the user sees and may cancel. The service's own
 * credentials are used only for root: for other users polkit would have to be asked, but there is
 * no call here. */
static void refetch_try_source(BerthRefetch *refetch) {
    BerthContentStore *store = berth_contents_get_store(refetch->images->contents);

    if (refetch->digests->len == 0) {
        berth_operation_end(refetch->operation, refetch->error);
        return;
    }
    if (!refetch->sources)
        refetch->sources = berth_content_store_get_sources(store, refetch_current(refetch),
                                                           refetch->of, refetch->name);
    while (refetch->sources[refetch->next_source]) {
        g_autofree char *reference = g_strconcat(refetch->sources[refetch->next_source++], "@",
                                                 refetch_current(refetch), NULL);
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
            berth_transfer_follow(transfer, refetch_on_fetched, refetch);
            return;
        }
    }
    if (!refetch->error)
        berth_error_set(&refetch->error, BERTH_ERROR_NOT_FOUND, "the source of %s is not known",
                        refetch_current(refetch));
    refetch_next(refetch, false);
}

BerthRefetch *berth_images_refetch(BerthImages *images, const BerthRefetchRequest *request,
                                   BerthRefetched done, void *userdata) {
    static const BerthOperationType type = {.tell = refetch_report, .free = refetch_free};
    BerthRefetch *refetch = g_new0(BerthRefetch, 1);

    refetch->images = images;
    refetch->owner = request->owner;
    refetch->of = request->of_all_users ? 0 : request->owner;
    refetch->name = g_strdup(request->name);
    refetch->done = done;
    refetch->userdata = userdata;
    refetch->digests = g_ptr_array_new_with_free_func(g_free);
    refetch->missing = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < request->digests->len; i++)
        g_ptr_array_add(refetch->digests, g_strdup(request->digests->pdata[i]));
    refetch->operation = berth_operation_new(images->event, &type, refetch);
    refetch_try_source(refetch);
    return refetch;
}
