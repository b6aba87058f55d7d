/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pulls and fetches in progress, which the next start of the service begins again. Credentials are
 * never stored, only whether the service's own may be used.
 */

#pragma once

#include "store/database.h"

typedef struct {
    int64_t id;
    char *kind, *reference, *platform, *lease;
    bool all_platforms, insecure, own;
    uint32_t owner;
} BerthTransferRecord;

/* Adds a record, and sets *id for its removal at the end of the transfer. */
bool berth_transfer_store_add(BerthDatabase *database, const BerthTransferRecord *record,
                              int64_t *id, GError **error);
void berth_transfer_store_remove(BerthDatabase *database, int64_t id);
/* Returns all records (BerthTransferRecord) and removes them from the table: each is added again
 * when its transfer begins. */
GPtrArray *berth_transfer_store_take(BerthDatabase *database, GError **error);
