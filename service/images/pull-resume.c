/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Resuming pulls at the start of the service. A lasting pull has a record in berth.db while it runs
 * (pull.c); what is recorded at a start is therefore what the last stop interrupted. Taking the
 * records removes them, and each pull that is resumed makes one of its own.
 */

#include "images/pull-resume.h"

#include "base/log.h"
#include "images/pull.h"
#include "store/transfer-store.h"

void berth_pull_resume_all(BerthImages *images) {
    g_autoptr(GPtrArray) records = berth_transfer_store_take(images->database, NULL);

    for (guint i = 0; records && i < records->len; i++) {
        const BerthTransferRecord *record = records->pdata[i];
        g_autoptr(GError) error = NULL;
        const BerthPullRequest request = {
            .mode = g_str_equal(record->kind, "pull") ? BERTH_PULL_PULL : BERTH_PULL_FETCH,
            .reference = record->reference,
            .platform = record->platform[0] ? record->platform : NULL,
            .all_platforms = record->all_platforms,
            .insecure = record->insecure,
            /* As it was granted at the beginning; no client is there to ask polkit about. */
            .own = record->own,
            .lease = record->lease,
            .owner = record->owner,
            .lasting = true,
        };
        if (!berth_pull_start(images, &request, &error))
            berth_log_warning("BERTH_IMAGE", record->reference,
                              "Cannot resume the transfer of %s: %s", record->reference,
                              error->message);
    }
}
