/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Resumes pulls at the start of the service. A lasting pull has a record in berth.db while it runs
 * (pull.c), so the records found at the start are those of pulls that the last stop interrupted.
 * Taking the records removes them, and each resumed pull creates a new one. There is no state.
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
            /* As granted at the beginning; there is no client about which polkit could be asked. */
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
