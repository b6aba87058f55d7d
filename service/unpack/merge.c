/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One depth-first walk through the upper tree; each name is renamed, so contents are never copied.
 * It has no state, and may be interrupted at any name: the rest is then still in upper.
 */

#include "unpack/merge.h"

#include "base/directory.h"
#include "base/fd.h"
#include "unpack/attributes.h"
#include "unpack/overlay-form.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 1024 };

static bool merge_directory(int upper, int lower, const char *path, unsigned depth, GError **error);

static bool remove_children(int directory, const char *path, GError **error) {
    berth_autolist DIR *list = berth_directory_list(directory);
    const char *name;
    bool good = true;

    if (!list)
        return berth_error_set_errno(error, errno, "list \"%.200s\"", path);
    while (good && (name = berth_directory_next(list)))
        good = berth_fd_remove_tree(directory, name, error);
    return good;
}

/* A directory that exists in both trees is kept, with the attributes from the layer. */
static bool merge_into(int upper, int lower, const char *name, const char *path, unsigned depth,
                       GError **error) {
    berth_autofd int from = openat(upper, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status, before;

    if (from < 0 || fstat(from, &before) < 0)
        return berth_error_set_errno(error, errno, "open \"%.200s\"", path);
    if (fstatat(lower, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(status.st_mode) &&
        unlinkat(lower, name, 0) < 0)
        return berth_error_set_errno(error, errno, "remove \"%.200s\"", path);
    if (mkdirat(lower, name, 0700) < 0 && errno != EEXIST)
        return berth_error_set_errno(error, errno, "make \"%.200s\"", path);
    berth_autofd int to = openat(lower, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (to < 0)
        return berth_error_set_errno(error, errno, "open \"%.200s\"", path);
    return (!berth_attributes_is_opaque(from) || remove_children(to, path, error)) &&
           merge_directory(from, to, path, depth + 1, error) &&
           berth_attributes_clear_xattrs(to, path, error) &&
           /* With the times from before files were moved out of it. */
           berth_attributes_copy_saved(from, &before, to, path, error);
}

static bool merge_one(int upper, int lower, const char *name, const char *parent, unsigned depth,
                      GError **error) {
    g_autofree char *path = g_strconcat(parent, parent[0] ? "/" : "", name, NULL);
    struct stat status;

    if (fstatat(upper, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return berth_error_set_errno(error, errno, "examine \"%.200s\"", path);
    if (S_ISDIR(status.st_mode))
        return merge_into(upper, lower, name, path, depth, error);
    /* A whiteout only removes the name. Anything else replaces it, and renameat(2) cannot replace a
     * directory with a file. */
    if (!berth_fd_remove_tree(lower, name, error))
        return false;
    return berth_overlay_is_whiteout(&status) || renameat(upper, name, lower, name) == 0 ||
           berth_error_set_errno(error, errno, "move \"%.200s\" into place", path);
}

static bool merge_directory(int upper, int lower, const char *path, unsigned depth,
                            GError **error) {
    berth_autolist DIR *list = berth_directory_list(upper);
    const char *name;
    bool good = true;

    if (!list)
        return berth_error_set_errno(error, errno, "list \"%.200s\"", path);
    if (depth > MAX_DEPTH)
        good = berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED, "directories nest too deep");
    while (good && (name = berth_directory_next(list)))
        good =
            berth_attributes_is_marker(name) || merge_one(upper, lower, name, path, depth, error);
    return good;
}

bool berth_merge(int upper, int lower, GError **error) {
    return merge_directory(upper, lower, "", 0, error);
}
