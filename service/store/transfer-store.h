/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transfers from remotes that are under way: what it takes to begin them again after the service
 * was away. Credentials are never among it. */

#pragma once

#include "store/database.h"

typedef struct {
    int64_t id;
    char *kind, *reference, *platform, *lease;
    bool all_platforms, insecure;
    uint32_t owner;
} BerthTransferRecord;

bool berth_transfer_store_add(BerthDatabase *database, const BerthTransferRecord *record,
                              int64_t *id, GError **error);
void berth_transfer_store_remove(BerthDatabase *database, int64_t id);
/* Of BerthTransferRecord; they are in the table no longer. */
GPtrArray *berth_transfer_store_take(BerthDatabase *database, GError **error);
