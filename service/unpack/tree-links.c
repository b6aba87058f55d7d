/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Hard links. A hard link means the file that its target is at that place in the tar: if this layer
 * has it, it is linked; if a layer below has it, an empty file takes its place until settling, and
 * further links to it are names of that file. A target that does not exist yet may still follow:
 * settling looks for those last.
 */

#include "unpack/tree.h"

#include "base/fd.h"
#include "unpack/overlay-form.h"
#include "unpack/tree-names.h"
#include "unpack/tree-notes.h"
#include "unpack/tree-path.h"

#include <errno.h>
#include <string.h>

typedef enum {
    TARGET_IN_LAYER, /* this layer has made it */
    TARGET_BELOW,    /* it is in the layers below, or does not exist */
    TARGET_HIDDEN,   /* this layer hides what the layers below have there */
} TargetPlace;

/* Where the target of an entry is, or would be. */
typedef struct {
    char *path;
    TargetPlace found;
    mode_t mode;
} Target;

static void clear_target(Target *target) {
    g_free(target->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Target, clear_target)

/* BERTH_WALK_FIND makes no directory on the way: a link to a file that does not exist leaves
 * nothing behind. */
static bool find_link_target(BerthTree *tree, const BerthTreeEntry *entry, Target *target,
                             GError **error) {
    g_autofree char *directory = berth_tree_get_directory(entry->target);
    g_auto(BerthWalk) walk = {0};
    struct stat status;

    if (entry->target[0] == '\0')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "\"%.200s\" is a hard link to the root directory", entry->path);
    if (!berth_tree_walk(tree, directory, BERTH_WALK_FIND, &walk, error))
        return false;
    target->path = berth_tree_join(walk.real, berth_tree_get_name(entry->target));
    berth_autofd int fd = berth_tree_open_entry(tree->root, target->path, &status);
    if (fd >= 0 && !berth_overlay_is_whiteout(&status))
        target->found = TARGET_IN_LAYER;
    else if (fd >= 0 || walk.result == BERTH_WALK_HIDDEN ||
             !berth_tree_sees_lower(tree, target->path))
        target->found = TARGET_HIDDEN;
    else
        target->found = TARGET_BELOW;
    target->mode = target->found == TARGET_IN_LAYER ? status.st_mode : 0;
    return true;
}

/* Makes an empty file, which settling replaces. */
static bool add_placeholder(BerthTree *tree, const Target *target, const BerthEntryPlace *place,
                            GError **error) {
    if (!berth_tree_remove(tree, place, error))
        return false;
    berth_autofd int fd =
        openat(place->parent, place->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return berth_error_set_errno(error, errno, "make \"%.200s\"", place->path);
    BerthTreeLink *link = g_new0(BerthTreeLink, 1);
    link->target = g_strdup(target->path);
    link->hidden = target->found == TARGET_HIDDEN;
    g_ptr_array_add(tree->all_links, link);
    tree->noted_bytes += strlen(link->target);
    return berth_tree_add_note(tree, tree->links, place->path, link, error);
}

static int link_target(int source, const Target *target, const BerthEntryPlace *place) {
    return linkat(source, berth_tree_get_name(target->path), place->parent, place->name, 0);
}

/* A link to a placeholder is also a placeholder: its name is noted for the same BerthTreeLink. */
static bool tree_note_link(BerthTree *tree, const BerthTreeEntry *entry, const Target *target,
                           const BerthEntryPlace *place, GError **error) {
    g_autofree char *directory = berth_tree_get_directory(target->path);
    BerthTreeLink *link = g_tree_lookup(tree->links, target->path);
    berth_autofd int source =
        berth_fd_open_real(tree->root, berth_tree_path_or_dot(directory), O_PATH | O_DIRECTORY, 0);

    if (source < 0 || (link_target(source, target, place) < 0 &&
                       (errno != EEXIST || !berth_tree_remove(tree, place, error) ||
                        link_target(source, target, place) < 0))) {
        if (error && !*error)
            berth_error_set_errno(error, errno, "link \"%.200s\" to \"%.200s\"", entry->path,
                                  entry->target);
        return false;
    }
    return !link || berth_tree_add_note(tree, tree->links, place->path, link, error);
}

/* A link to itself leaves the file unchanged. */
static bool add_link_to_itself(BerthTree *tree, const BerthTreeEntry *entry, const Target *target,
                               GError **error) {
    struct stat status;

    if (target->found == TARGET_IN_LAYER)
        return true;
    if (target->found == TARGET_BELOW && tree->knows == BERTH_LOWER_UNKNOWN) {
        tree->is_inexact = true;
        return true;
    }
    berth_autofd int lower = target->found == TARGET_HIDDEN
                                 ? -1
                                 : berth_tree_open_entry(tree->lower, target->path, &status);
    return (lower >= 0 && !S_ISDIR(status.st_mode)) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "\"%.200s\" is a hard link to itself", entry->path);
}

bool berth_tree_add_hard_link(BerthTree *tree, const BerthTreeEntry *entry, GError **error) {
    g_auto(Target) target = {0};
    BerthEntryPlace place;

    if (!find_link_target(tree, entry, &target, error) ||
        !berth_tree_find_place(tree, entry->path, &place, error))
        return false;
    if (g_str_equal(target.path, place.path))
        return add_link_to_itself(tree, entry, &target, error);
    if (S_ISDIR(target.mode)) {
        /* A directory that was made for a whiteout may be a file in the layers below. */
        if (tree->knows != BERTH_LOWER_UNKNOWN || !berth_tree_has(tree->implied, target.path))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "\"%.200s\" is a hard link to \"%.200s\", which is a directory",
                                   entry->path, entry->target);
        tree->is_inexact = true;
        return true;
    }
    return target.found == TARGET_IN_LAYER ? tree_note_link(tree, entry, &target, &place, error)
                                           : add_placeholder(tree, &target, &place, error);
}
