/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The snapshots: a directory for each layer, in overlayfs's own form, named after the layer's chain
 * ID. A snapshot exists when its row does. Its files reach the disk later; until then the row names
 * the boot that wrote them, and after another boot the layer is unpacked again.
 */

#pragma once

#include "store/database.h"

#include <systemd/sd-event.h>

typedef struct BerthSnapshotStore BerthSnapshotStore;

/* Opens "snapshots" in the state directory, which it makes if necessary, and brings it into line
 * with the database. NULL with error. */
BerthSnapshotStore *berth_snapshot_store_open(sd_event *event, int directory,
                                              BerthDatabase *database, GError **error);
void berth_snapshot_store_free(BerthSnapshotStore *store);

/* Whether the chain has a committed snapshot. */
bool berth_snapshot_store_has(BerthSnapshotStore *store, const char *chain_id);

/* Makes an empty directory to unpack a layer into. key identifies it for commit or discard. */
int berth_snapshot_store_begin(BerthSnapshotStore *store, char **key, GError **error);
bool berth_snapshot_store_commit(BerthSnapshotStore *store, const char *key, const char *chain_id,
                                 const char *parent, uint64_t size, GError **error);
void berth_snapshot_store_discard(BerthSnapshotStore *store, const char *key);

/* The directories of a chain, topmost first; NotFound if one is missing. The caller closes them. */
GArray *berth_snapshot_store_open_chain(BerthSnapshotStore *store, const char *chain_id,
                                        GError **error);

/* Removes a committed snapshot; FailedPrecondition while another one is based on it. */
bool berth_snapshot_store_remove(BerthSnapshotStore *store, const char *chain_id, GError **error);
/* Whether chain_id is top, or one of the snapshots below it. */
bool berth_snapshot_store_is_below(BerthSnapshotStore *store, const char *chain_id,
                                   const char *top);
/* The total size of all snapshots, in bytes. */
bool berth_snapshot_store_sum(BerthSnapshotStore *store, uint64_t *bytes, GError **error);

/* The merged tree of a chain as a detached read-only mount, or -1 with error. */
int berth_snapshot_store_mount(BerthSnapshotStore *store, const char *chain_id, GError **error);

/* The same for a client: also nosuid, which only the host's root can change. */
int berth_snapshot_store_mount_locked(BerthSnapshotStore *store, const char *chain_id,
                                      GError **error);

/* The chain IDs of images mounted on the host, whose snapshots must be kept. NULL with error. */
GPtrArray *berth_snapshot_store_list_mounted(GError **error);

/* The directory names of a chain in the store, topmost first. */
char **berth_snapshot_store_list_chain(BerthSnapshotStore *store, const char *chain_id,
                                       GError **error);

/* Whether there are unsynced snapshots, and when the newest of them was added. */
bool berth_snapshot_store_has_unsynced(BerthSnapshotStore *store, int64_t *newest_usec);
/* Marks those added until then as synced, after a syncfs(2) that began later. */
bool berth_snapshot_store_set_synced(BerthSnapshotStore *store, int64_t newest_usec,
                                     GError **error);
int berth_snapshot_store_get_directory(BerthSnapshotStore *store);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthSnapshotStore, berth_snapshot_store_free)
