/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Entries that hide others (layer.md, "Whiteouts"): they only affect the layers below, never what
 * this layer has, wherever they are in the tar. A whiteout that hides nothing has no effect, and
 * makes no directories.
 */

#include "unpack/tree.h"

#include "base/fd.h"
#include "unpack/overlay-form.h"
#include "unpack/tree-names.h"
#include "unpack/tree-notes.h"
#include "unpack/tree-path.h"

#include <errno.h>
#include <string.h>

#define WHITEOUT_PREFIX ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

/* A directory that holds only whiteouts is not content of the layer: another whiteout may hide it.
 */
static bool remove_whiteout_only(BerthTree *tree, const char *path, GError **error) {
    if (!berth_fd_remove_tree(tree->root, path, error))
        return false;
    berth_tree_forget(tree, path, true);
    tree->parent_stale = true;
    return true;
}

/* Removes directories that exist for whiteouts only: they are not part of the layer. */
static bool remove_held_below(BerthTree *tree, const char *directory, GError **error) {
    g_autoptr(GPtrArray) whiteout_only = berth_tree_list(tree->whiteout_only, directory);

    for (guint i = 0; i < whiteout_only->len; i++)
        if (!g_str_equal(whiteout_only->pdata[i], directory) &&
            berth_tree_has(tree->whiteout_only, whiteout_only->pdata[i]) &&
            !remove_whiteout_only(tree, whiteout_only->pdata[i], error))
            return false;
    return true;
}

static bool hide_children(BerthTree *tree, const char *directory, GError **error) {
    if (directory[0] == '\0') {
        /* Overlayfs ignores the mark on the root of a layer: settling hides each name below
         * instead. */
        tree->is_opaque = tree->knows != BERTH_LOWER_NONE;
        return remove_held_below(tree, directory, error);
    }
    berth_autofd int fd = berth_fd_open_real(tree->root, directory, O_RDONLY | O_DIRECTORY, 0);
    return fd < 0 ? berth_error_set_errno(error, errno, "open \"%.200s\"", directory)
                  : remove_held_below(tree, directory, error) &&
                        berth_tree_set_opaque(tree, fd, directory, error);
}

/* Whether there may be something to hide. This is assumed as long as the layers below are not
 * known; settling then removes whiteouts that hide nothing. */
static bool is_below(BerthTree *tree, const char *path) {
    struct stat status;

    if (!berth_tree_sees_lower(tree, path))
        return false;
    if (tree->knows != BERTH_LOWER_KNOWN)
        return true;
    berth_autofd int fd = berth_tree_open_entry(tree->lower, path, &status);
    return fd >= 0;
}

static bool make_whiteout(BerthTree *tree, const char *path, GError **error) {
    g_autofree char *directory = berth_tree_get_directory(path);
    berth_autofd int parent =
        berth_fd_open_real(tree->root, berth_tree_path_or_dot(directory), O_PATH | O_DIRECTORY, 0);

    if (parent < 0 || berth_overlay_make_whiteout(parent, berth_tree_get_name(path)) < 0)
        return berth_error_set_errno(error, errno, "make a whiteout for \"%.200s\"", path);
    tree->parent_stale = true;
    return berth_tree_add_note(tree, tree->whiteouts, path, NULL, error);
}

/* Whatever this layer itself has under the name is kept; if it is a directory, it then hides the
 * lower one. */
static bool hide_path(BerthTree *tree, const char *path, GError **error) {
    struct stat status;
    berth_autofd int fd = berth_tree_open_entry(tree->root, path, &status);

    if (fd >= 0 && berth_tree_has(tree->whiteout_only, path)) {
        if (!remove_whiteout_only(tree, path, error))
            return false;
    } else if (fd >= 0) {
        return !S_ISDIR(status.st_mode) || hide_children(tree, path, error);
    }
    return !is_below(tree, path) || make_whiteout(tree, path, error);
}

bool berth_tree_add_whiteout(BerthTree *tree, const char *path, bool *was_whiteout,
                             GError **error) {
    const char *name = berth_tree_get_name(path);
    const char *hidden = name + strlen(WHITEOUT_PREFIX);
    g_autofree char *directory = NULL;
    g_auto(BerthWalk) walk = {0};

    *was_whiteout = g_str_has_prefix(name, WHITEOUT_PREFIX);
    if (!*was_whiteout)
        return true;
    bool is_opaque = g_str_equal(name, WHITEOUT_OPAQUE);
    /* ".wh..wh." begins aufs's own metadata, which has no meaning here. */
    if (!is_opaque && g_str_has_prefix(hidden, WHITEOUT_PREFIX))
        return true;
    if (hidden[0] == '\0' || g_str_equal(hidden, ".") || g_str_equal(hidden, ".."))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the layer holds the invalid whiteout \"%.200s\"", path);
    directory = berth_tree_get_directory(path);
    if (!berth_tree_walk(tree, directory, BERTH_WALK_HIDE, &walk, error))
        return false;
    if (walk.result == BERTH_WALK_ABSENT)
        return true;
    if (is_opaque)
        return hide_children(tree, walk.real, error);
    g_autofree char *whole = berth_tree_join(walk.real, hidden);
    return hide_path(tree, whole, error);
}

/* The same for a device 0:0, with one difference: what an earlier entry of this layer has made
 * under the name is removed. */
bool berth_tree_add_overlay_whiteout(BerthTree *tree, const BerthTreeEntry *entry, GError **error) {
    BerthEntryPlace place;

    return berth_tree_find_place(tree, entry->path, &place, error) &&
           berth_tree_remove(tree, &place, error) &&
           (!is_below(tree, place.path) || make_whiteout(tree, place.path, error));
}
