/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Snapshots: one directory a layer, in overlayfs' own form, under the layer's chain ID. A snapshot
 * counts once its row is there. Its files reach the disk later: until then the row names the boot
 * that wrote them, and a snapshot of another boot is unpacked again rather than believed.
 */

#pragma once

#include "store/database.h"

#include <systemd/sd-event.h>

typedef struct BerthSnapshotStore BerthSnapshotStore;

BerthSnapshotStore *berth_snapshot_store_open(sd_event *event, int directory,
                                              BerthDatabase *database, GError **error);
void berth_snapshot_store_free(BerthSnapshotStore *store);

bool berth_snapshot_store_has(BerthSnapshotStore *store, const char *chain_id);

/* An empty directory to unpack a layer into. key names it for commit or discard. */
int berth_snapshot_store_begin(BerthSnapshotStore *store, char **key, GError **error);
bool berth_snapshot_store_commit(BerthSnapshotStore *store, const char *key, const char *chain_id,
                                 const char *parent, uint64_t size, GError **error);
void berth_snapshot_store_discard(BerthSnapshotStore *store, const char *key);

/* Directories of a chain, topmost first; NotFound where one is missing. Closed by the caller. */
GArray *berth_snapshot_store_open_chain(BerthSnapshotStore *store, const char *chain_id,
                                        GError **error);

/* Removes a committed snapshot; FailedPrecondition while another stands on it. */
bool berth_snapshot_store_remove(BerthSnapshotStore *store, const char *chain_id, GError **error);
/* Whether chain_id is top or one of those it stands on. */
bool berth_snapshot_store_is_below(BerthSnapshotStore *store, const char *chain_id,
                                   const char *top);
/* What all take, in bytes. */
bool berth_snapshot_store_sum(BerthSnapshotStore *store, uint64_t *bytes, GError **error);

/* The merged tree of a chain as a detached read-only mount, or -1. */
int berth_snapshot_store_mount(BerthSnapshotStore *store, const char *chain_id, GError **error);

/* The same to be given away: nosuid, too, and nobody but the host's root can change that. */
int berth_snapshot_store_mount_locked(BerthSnapshotStore *store, const char *chain_id,
                                      GError **error);

/* The names of a chain's directories below the store's, topmost first. */
char **berth_snapshot_store_list_chain(BerthSnapshotStore *store, const char *chain_id,
                                       GError **error);

/* All snapshots written by this boot and not yet synced: whether there are any, and that they are
 * synced now (after syncfs of the store's directory, begun after they were committed). */
bool berth_snapshot_store_has_unsynced(BerthSnapshotStore *store, int64_t *newest_usec);
bool berth_snapshot_store_set_synced(BerthSnapshotStore *store, int64_t newest_usec,
                                     GError **error);
int berth_snapshot_store_get_directory(BerthSnapshotStore *store);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthSnapshotStore, berth_snapshot_store_free)
