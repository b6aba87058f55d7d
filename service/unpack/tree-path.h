/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Resolves names in a tar to real places in a tree; see tree.h. */

#pragma once

#include "unpack/tree-state.h"

#include <sys/stat.h>

typedef enum {
    BERTH_WALK_ENTER, /* for an entry: what is missing is made */
    BERTH_WALK_HIDE,  /* for a whiteout: nothing is made that could become visible */
    BERTH_WALK_FIND   /* only resolves: nothing is made at all */
} BerthWalkKind;

typedef enum {
    BERTH_WALK_REACHED,
    BERTH_WALK_ABSENT, /* HIDE: there is no such directory, so there is nothing to hide in it */
    BERTH_WALK_HIDDEN, /* FIND: something else in this layer is in the way */
} BerthWalkResult;

typedef struct {
    char *real;
    BerthWalkResult result;
} BerthWalk;

void berth_walk_clear(BerthWalk *walk);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthWalk, berth_walk_clear)

/* Finds the directory of a normalized path: every symbolic link on the way is followed inside the
 * root, in this layer or, if they are known, in the layers below. */
bool berth_tree_walk(BerthTree *tree, const char *directory, BerthWalkKind kind, BerthWalk *walk,
                     GError **error);

/* The real place of an entry. The tree owns parent; path and name are valid until the next call. */
typedef struct {
    int parent;
    const char *path, *name;
} BerthEntryPlace;

/* Finds the place of an entry with a normalized path, and makes the directories that are missing on
 * the way. False with error. */
bool berth_tree_find_place(BerthTree *tree, const char *path, BerthEntryPlace *place,
                           GError **error);
void berth_tree_forget_parent(BerthTree *tree);

/* Removes whatever is at the place, and the notes about it. False with error. */
bool berth_tree_remove(BerthTree *tree, const BerthEntryPlace *place, GError **error);

/* Gives an implied directory the attributes that a new one inherits from its parent. False with
 * error. */
bool berth_tree_inherit(BerthTree *tree, const char *path, GError **error);

/* Makes the directory hide what the layers below have in it. */
bool berth_tree_set_opaque(BerthTree *tree, int directory, const char *path, GError **error);

/* Opens a real path without following its last component: an O_PATH descriptor, or -1 with errno.
 */
int berth_tree_open_entry(int root, const char *path, struct stat *status);
