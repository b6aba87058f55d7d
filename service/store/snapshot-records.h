/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of snapshots in berth.db: one row for each valid directory (snapshots/). */

#pragma once

#include "store/database.h"

typedef struct {
    const char *chain_id;
    const char *parent; /* chain ID of the snapshot below; NULL: this is the lowest */
    uint64_t size;      /* in bytes */
    const char *boot;   /* boot ID during which it was written, until it is synced */
} BerthSnapshotRecord;

bool berth_snapshot_records_have(BerthDatabase *database, const char *chain_id);
/* Adds the row for a directory that is complete. */
bool berth_snapshot_records_add(BerthDatabase *database, const BerthSnapshotRecord *record,
                                GError **error);
/* Fails with FailedPrecondition while it is the parent of another snapshot. */
bool berth_snapshot_records_remove(BerthDatabase *database, const char *chain_id, GError **error);
/* Deletes the row of a snapshot whose directory is gone, even if others are based on it. */
bool berth_snapshot_records_forget(BerthDatabase *database, const char *chain_id, GError **error);
/* Returns the chain IDs of all snapshots. NULL with error. */
GPtrArray *berth_snapshot_records_list(BerthDatabase *database, GError **error);

/* Returns chain_id and those below it, topmost first; NotFound if one is missing. */
char **berth_snapshot_records_list_chain(BerthDatabase *database, const char *chain_id,
                                         GError **error);
/* Sets the total size of all snapshots. */
bool berth_snapshot_records_sum(BerthDatabase *database, uint64_t *bytes, GError **error);

/* Forgets snapshots that were not synced when their boot ended, since they may be damaged. */
bool berth_snapshot_records_forget_other_boots(BerthDatabase *database, const char *boot,
                                               GError **error);
/* Finds when the newest unsynced snapshot was added. Returns false if all are synced. */
bool berth_snapshot_records_find_unsynced(BerthDatabase *database, int64_t *newest_usec);
/* Marks all snapshots added until then as synced. */
bool berth_snapshot_records_set_synced(BerthDatabase *database, int64_t newest_usec,
                                       GError **error);
