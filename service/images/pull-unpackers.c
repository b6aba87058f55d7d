/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The berth-unpack processes of a pull, each with the directory of a snapshot being created. The
 * first may be started before its layer is known: the directory does not depend on the layer, and
 * while the documents are being fetched, a processor would otherwise be idle. Later ones are cloned
 * from a template if there are many.
 */

#include "base/fd.h"
#include "images/pull-private.h"

struct BerthPullUnpackers {
    BerthImages *images;
    BerthWorkerTemplate *template;
    BerthWorker *spare; /* NULL: none */
    char *spare_key;    /* of its snapshot */
};

BerthPullUnpackers *berth_pull_unpackers_new(BerthImages *images) {
    BerthPullUnpackers *unpackers = g_new0(BerthPullUnpackers, 1);

    unpackers->images = images;
    unpackers->template = berth_worker_template_new(images->event, "unpack");
    return unpackers;
}

/* The directory is discarded after its writer has been killed. */
void berth_pull_unpackers_free(BerthPullUnpackers *unpackers) {
    if (!unpackers)
        return;
    berth_worker_free(unpackers->spare);
    if (unpackers->spare_key)
        berth_snapshot_store_discard(unpackers->images->snapshots, unpackers->spare_key);
    berth_worker_template_free(unpackers->template);
    g_free(unpackers->spare_key);
    g_free(unpackers);
}

static BerthWorker *unpackers_start(BerthPullUnpackers *unpackers, char **key, GError **error) {
    BerthImages *images = unpackers->images;
    berth_autofd int directory = berth_snapshot_store_begin(images->snapshots, key, error);

    return directory < 0 ? NULL
                         : berth_worker_new_from_template(images->event, "unpack",
                                                          unpackers->template, directory, error);
}

/* A failure is left to the layer, which tries again. */
void berth_pull_unpackers_prepare(BerthPullUnpackers *unpackers) {
    if (!unpackers->spare_key)
        unpackers->spare = unpackers_start(unpackers, &unpackers->spare_key, NULL);
}

BerthWorker *berth_pull_unpackers_take(BerthPullUnpackers *unpackers, char **key, GError **error) {
    if (!unpackers->spare)
        return unpackers_start(unpackers, key, error);
    *key = g_steal_pointer(&unpackers->spare_key);
    return g_steal_pointer(&unpackers->spare);
}
