/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tree of one layer, in overlayfs' own form, made entry by entry in the tar's order. What an
 * entry means is what it would do to the merged tree of this layer and those below, every path
 * resolved inside that root.
 *
 * The layers below may not be there yet (BERTH_LOWER_UNKNOWN). Then a name that this layer has not
 * made is taken for a directory or for nothing, hard links to it are placeholders, and both are
 * noted. Settling fills in what the layers below have; where it finds that a name was a symbolic
 * link there, the layer is unpacked once more with the lower tree at hand (BERTH_LOWER_KNOWN).
 *
 * Paths in the notes are real: no symbolic link on the way, relative to the root, "" being that.
 */

#pragma once

#include "unpack/tree-state.h"

#include <sys/stat.h>

/* What an entry has besides its content. xattrs: name, value (GBytes) pairs. */
typedef struct {
    const char *path; /* as berth_tree_normalize gives it */
    mode_t mode;      /* type and permissions */
    uid_t uid;
    gid_t gid;
    struct timespec mtime;
    dev_t device;
    const char *target; /* symlink: as it is; hard link: normalized */
    GPtrArray *xattr_names, *xattr_values;
} BerthTreeEntry;

/* Takes root over; lower stays the caller's. */
BerthTree *berth_tree_new(int root, BerthLowerState knows, int lower);
void berth_tree_free(BerthTree *tree);

bool berth_tree_add_directory(BerthTree *tree, const BerthTreeEntry *entry, GError **error);
bool berth_tree_add_symlink(BerthTree *tree, const BerthTreeEntry *entry, GError **error);
bool berth_tree_add_special(BerthTree *tree, const BerthTreeEntry *entry, GError **error);
bool berth_tree_add_hard_link(BerthTree *tree, const BerthTreeEntry *entry, GError **error);

/* A regular file: create, write the content into the descriptor, then finish. */
int berth_tree_create_file(BerthTree *tree, const BerthTreeEntry *entry, GError **error);
bool berth_tree_finish_file(BerthTree *tree, const BerthTreeEntry *entry, int fd, GError **error);

/* A ".wh." name: true if it was one and was handled; check error. */
bool berth_tree_add_whiteout(BerthTree *tree, const char *path, bool *was_whiteout, GError **error);

/* A character device 0:0, which overlayfs takes for a whiteout: some layers were made from its
 * form, and nothing else can be meant by one. */
bool berth_tree_add_overlay_whiteout(BerthTree *tree, const BerthTreeEntry *entry, GError **error);

/* After the last entry. */
bool berth_tree_finish(BerthTree *tree, GError **error);

/* Whether berth_settle has something to do. */
bool berth_tree_needs_lower(BerthTree *tree);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthTree, berth_tree_free)
