/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Two steps for a handler: find all content that the caller may name, then record that the caller
 * holds it. There is no state. The one thing to know: all questions come before the first change,
 * since the handler runs again after each of them. See content-adoption.h.
 */

#include "bus/content-adoption.h"

#include "base/size.h"
#include "store/content-store.h"
#include "store/provenance.h"
#include "store/reach.h"

/* Each object may need a question to polkit. */
enum { MAX_ADOPTED = 1000 };

/* Digests that are refused are left out without an error: whether the caller needs them is decided
 * by the member. */
int berth_content_adoption_find(BerthService *service, sd_bus_message *call,
                                sd_bus_error *ret_error, const char *key, const char *name,
                                const char *digest, GPtrArray **adopted) {
    g_autoptr(GPtrArray) granted_ones = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) below = berth_reach_list_blobs_of(service->database, digest, &error);
    uint32_t uid;
    int r = berth_access_get_uid(service->access, call, &uid);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (!below)
        return berth_bus_error_set(ret_error, error);
    if (below->len > MAX_ADOPTED)
        return sd_bus_error_setf(ret_error, BERTH_ERROR_PREFIX "LimitExceeded",
                                 "%s refers to more than %d objects", digest, MAX_ADOPTED);
    for (guint i = 0; i < below->len; i++) {
        bool granted = berth_provenance_holds(service->database, uid, below->pdata[i]);
        r = granted ? BERTH_ACCESS_GRANTED
                    : berth_access_query(service->access, call, &granted, "read", key, name,
                                         "digest", below->pdata[i], NULL);
        if (r != BERTH_ACCESS_GRANTED)
            return r;
        if (granted)
            g_ptr_array_add(granted_ones, g_strdup(below->pdata[i]));
    }
    *adopted = g_steal_pointer(&granted_ones);
    return BERTH_ACCESS_GRANTED;
}

/* The disk space limit is checked before anything is recorded as held: bytes count towards every
 * user that holds them. */
bool berth_content_adoption_record(BerthService *service, uint32_t uid, GPtrArray *adopted,
                                   GError **error) {
    BerthContentStore *store = berth_contents_get_store(service->contents);
    g_autoptr(GPtrArray) new_ones = g_ptr_array_new();
    uint64_t bytes = 0, left;

    for (guint i = 0; i < adopted->len; i++) {
        g_auto(BerthBlob) blob = {0};
        if (berth_provenance_holds(service->database, uid, adopted->pdata[i]))
            continue;
        g_ptr_array_add(new_ones, adopted->pdata[i]);
        if (berth_content_store_info(store, adopted->pdata[i], &blob, NULL))
            berth_size_add(&bytes, blob.size);
    }
    if (bytes > 0 && !berth_content_store_check_disk(store, "", uid, bytes, &left, error))
        return false;
    for (guint i = 0; i < new_ones->len; i++)
        if (!berth_provenance_hold(service->database, uid, new_ones->pdata[i], error))
            return false;
    return true;
}
