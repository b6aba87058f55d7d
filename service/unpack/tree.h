/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tree of one layer, in overlayfs's own form, built entry by entry in the tar's order. The
 * meaning of an entry is what it would do to the merged tree of this layer and those below, with
 * every path resolved inside that root.
 *
 * The layers below may not be available yet (BERTH_LOWER_UNKNOWN). A name that this layer has not
 * made is then assumed to be a directory or not to exist, hard links to it are placeholders, and
 * both are noted. Settling fills in what the layers below have; if it finds that a name is a
 * symbolic link there, the layer is unpacked once more with the lower tree available
 * (BERTH_LOWER_KNOWN).
 *
 * Paths in the notes are real: relative to the root (which is ""), without symbolic links on the
 * way.
 */

#pragma once

#include "unpack/tree-state.h"

#include <sys/stat.h>

/* The attributes of an entry besides its content. xattrs: pairs of name and value (GBytes). */
typedef struct {
    const char *path; /* as returned by berth_tree_normalize */
    mode_t mode;      /* type and permissions */
    uid_t uid;
    gid_t gid;
    struct timespec mtime;
    dev_t device;
    const char *target; /* symlink: unchanged; hard link: normalized */
    GPtrArray *xattr_names, *xattr_values;
} BerthTreeEntry;

/* Takes ownership of root; the caller keeps lower. */
BerthTree *berth_tree_new(int root, BerthLowerState knows, int lower);
void berth_tree_free(BerthTree *tree);

/* Add an entry of the respective type; what has its name is replaced. False with error. */
bool berth_tree_add_directory(BerthTree *tree, const BerthTreeEntry *entry, GError **error);
bool berth_tree_add_symlink(BerthTree *tree, const BerthTreeEntry *entry, GError **error);
bool berth_tree_add_special(BerthTree *tree, const BerthTreeEntry *entry, GError **error);
bool berth_tree_add_hard_link(BerthTree *tree, const BerthTreeEntry *entry, GError **error);

/* For a regular file: create it, write the content to the descriptor, then finish. */
int berth_tree_create_file(BerthTree *tree, const BerthTreeEntry *entry, GError **error);
bool berth_tree_finish_file(BerthTree *tree, const BerthTreeEntry *entry, int fd, GError **error);

/* Handles a name with the prefix ".wh."; *was_whiteout tells whether it has one. False with error.
 */
bool berth_tree_add_whiteout(BerthTree *tree, const char *path, bool *was_whiteout, GError **error);

/* A character device 0:0, which overlayfs takes for a whiteout: some layers were made from its
 * form, and nothing else can be meant by one. */
bool berth_tree_add_overlay_whiteout(BerthTree *tree, const BerthTreeEntry *entry, GError **error);

/* Called after the last entry. */
bool berth_tree_finish(BerthTree *tree, GError **error);

/* Whether berth_settle has something to do. */
bool berth_tree_needs_lower(BerthTree *tree);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthTree, berth_tree_free)
