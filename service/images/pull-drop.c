/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The blobs of a pull's layers, which KeepCompressed=no drops. The object takes over the pins of
 * the pull, which has ended, and lives until its snapshots are on disk: before that, a power
 * failure would lose them, and they are unpacked again from the blobs. If syncing fails, the blobs
 * stay.
 */

#include "base/log.h"
#include "images/pull-private.h"

struct BerthPullDrop {
    BerthContents *contents;
    BerthPins *pins;
    char *name;         /* of the image */
    GPtrArray *digests; /* of char *, without duplicates */
};

BerthPullDrop *berth_pull_drop_new(BerthContents *contents, BerthPins *pins, const char *name,
                                   GPtrArray *digests) {
    BerthPullDrop *drop = g_new0(BerthPullDrop, 1);

    *drop = (BerthPullDrop){contents, pins, g_strdup(name), g_ptr_array_ref(digests)};
    /* Those that an earlier pull has kept are not pinned yet. */
    for (guint i = 0; i < digests->len; i++)
        berth_pins_add(pins, digests->pdata[i]);
    return drop;
}

static void pull_drop_free(BerthPullDrop *drop) {
    berth_pins_free(drop->pins);
    g_ptr_array_unref(drop->digests);
    g_free(drop->name);
    g_free(drop);
}

/* Another operation may need a blob, too; then not only the object's own pin is on it. */
static void pull_drop_blobs(const BerthPullDrop *drop) {
    BerthContentStore *store = berth_contents_get_store(drop->contents);
    g_autoptr(GPtrArray) dropped = g_ptr_array_new();
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < drop->digests->len; i++) {
        const char *digest = drop->digests->pdata[i];
        if (berth_contents_count_pins(drop->contents, digest) == 1 &&
            berth_content_store_has(store, digest))
            g_ptr_array_add(dropped, (gpointer)digest);
    }
    if (!berth_contents_discard(drop->contents, dropped, &error))
        berth_log_warning("BERTH_IMAGE", drop->name, "Cannot drop layers of %s: %s", drop->name,
                          error->message);
}

void berth_pull_drop_on_synced(bool synced, void *userdata) {
    BerthPullDrop *drop = userdata;

    if (synced)
        pull_drop_blobs(drop);
    pull_drop_free(drop);
}
