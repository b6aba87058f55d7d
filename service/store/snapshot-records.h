/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of snapshots in berth.db: a row for each directory that counts (snapshots/). */

#pragma once

#include "store/database.h"

typedef struct {
    const char *chain_id;
    const char *parent; /* chain ID of the snapshot below; NULL for the lowest */
    uint64_t size;      /* in bytes */
    const char *boot;   /* that has written it, until it is synced */
} BerthSnapshotRecord;

bool berth_snapshot_records_have(BerthDatabase *database, const char *chain_id);
bool berth_snapshot_records_add(BerthDatabase *database, const BerthSnapshotRecord *record,
                                GError **error);
/* FailedPrecondition while another snapshot stands on it. */
bool berth_snapshot_records_remove(BerthDatabase *database, const char *chain_id, GError **error);

/* chain_id and those below it, topmost first; NotFound if one is missing. */
char **berth_snapshot_records_list_chain(BerthDatabase *database, const char *chain_id,
                                         GError **error);
/* The size of all of them. */
bool berth_snapshot_records_sum(BerthDatabase *database, uint64_t *bytes, GError **error);

/* Snapshots that were not synced when their boot ended are not believed. */
bool berth_snapshot_records_forget_other_boots(BerthDatabase *database, const char *boot,
                                               GError **error);
/* When the newest of those was added that are not synced; false if all are. */
bool berth_snapshot_records_find_unsynced(BerthDatabase *database, int64_t *newest_usec);
/* All that were added until then are synced. */
bool berth_snapshot_records_set_synced(BerthDatabase *database, int64_t newest_usec,
                                       GError **error);
