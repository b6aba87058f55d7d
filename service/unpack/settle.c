/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Settles a layer on those below it; see settle.h. There is no state besides the tree.
 * berth_settle() lists the steps in their order; the times of directories come last, because every
 * step changes some.
 */

#include "unpack/settle.h"

#include "base/directory.h"
#include "base/fd.h"
#include "unpack/attributes.h"
#include "unpack/overlay-form.h"
#include "unpack/settle-inherit.h"
#include "unpack/settle-links.h"
#include "unpack/tree-names.h"
#include "unpack/tree-notes.h"
#include "unpack/tree-path.h"

#include <errno.h>

/* Only a symbolic link leads elsewhere; a directory of this layer replaces anything else below. The
 * components that this layer has put above path are real directories, so ELOOP from the kernel
 * means that nothing of this path exists below. */
static bool is_link_below(int lower, const char *path) {
    struct stat status;
    berth_autofd int fd = berth_tree_open_entry(lower, path, &status);

    return fd >= 0 && S_ISLNK(status.st_mode);
}

/* Whether new entries get a group or an ACL from the directory in the layers below: directories
 * made in it before it was listed then have them. If the directory itself is new there, the one
 * above it decides. */
static bool gives_attributes(int lower, const char *path) {
    g_autofree char *at = g_strdup(path);
    struct stat status;

    for (;;) {
        berth_autofd int fd =
            berth_fd_open_real(lower, berth_tree_path_or_dot(at), O_RDONLY | O_DIRECTORY, 0);
        if (fd >= 0 && fstat(fd, &status) == 0 &&
            ((status.st_mode & S_ISGID) || berth_attributes_have_default_acl(fd)))
            return true;
        if (at[0] == '\0')
            return false;
        char *above = berth_tree_get_directory(at);
        g_free(at);
        at = above;
    }
}

static bool is_assumed_wrongly(BerthTree *tree, int lower) {
    GHashTableIter iterator;
    gpointer path;

    g_hash_table_iter_init(&iterator, tree->listed_late);
    while (g_hash_table_iter_next(&iterator, &path, NULL))
        if (gives_attributes(lower, path))
            return true;

    g_hash_table_iter_init(&iterator, tree->assumed_directories);
    while (g_hash_table_iter_next(&iterator, &path, NULL))
        if (is_link_below(lower, path))
            return true;
    return false;
}

/* mkdir(2) uses the group of the parent directory if that has its set-group-id bit, and its default
 * ACL. Whether a directory that the tar only implies has them is known only once it has inherited
 * its attributes. */
static bool inherit_from_above(BerthTree *tree, const char *path, GError **error) {
    g_autofree char *above = berth_tree_get_directory(path);
    bool is_implied = above[0] ? berth_tree_has(tree->implied, above) : !tree->is_listed;

    return !is_implied || berth_tree_inherit(tree, path, error);
}

static bool settle_implied(BerthTree *tree, int lower, GError **error) {
    bool found;

    if (!tree->is_listed && !berth_settle_inherit(tree, lower, "", &found, error))
        return false;
    for (GTreeNode *node = g_tree_node_first(tree->implied); node; node = g_tree_node_next(node)) {
        const char *path = g_tree_node_key(node);
        found = false;
        if (berth_tree_get_implied(tree, path) == BERTH_IMPLIED_INHERITS &&
            !berth_settle_inherit(tree, lower, path, &found, error))
            return false;
        if (!found && tree->knows == BERTH_LOWER_UNKNOWN && !inherit_from_above(tree, path, error))
            return false;
    }
    return true;
}

/* Removes whiteouts that hide nothing: in a directory that overlayfs does not merge, it would show
 * them as devices. */
static bool settle_whiteouts(BerthTree *tree, int lower, GError **error) {
    g_autoptr(GPtrArray) paths = berth_tree_list(tree->whiteouts, "");
    struct stat status;

    for (guint i = 0; i < paths->len; i++) {
        const char *path = paths->pdata[i];
        berth_autofd int below = lower >= 0 && berth_tree_sees_lower(tree, path)
                                     ? berth_tree_open_entry(lower, path, &status)
                                     : -1;
        if (below < 0 && !berth_fd_remove_tree(tree->root, path, error))
            return false;
    }
    return true;
}

/* Removes directories that were made only for whiteouts that hide nothing. An opaque directory that
 * hides something below is kept, even if it is empty. */
static void remove_empty_implied(BerthTree *tree, int lower) {
    g_autoptr(GPtrArray) paths = berth_tree_list(tree->implied, "");
    struct stat status;

    for (guint i = paths->len; i > 0; i--) {
        const char *path = paths->pdata[i - 1];
        g_autofree char *above = berth_tree_get_directory(path);
        bool inherits = berth_tree_get_implied(tree, path) == BERTH_IMPLIED_INHERITS;
        berth_autofd int below = inherits && lower >= 0 && berth_tree_has(tree->opaque, path)
                                     ? berth_tree_open_entry(lower, path, &status)
                                     : -1;
        berth_autofd int parent =
            berth_fd_open_real(tree->root, berth_tree_path_or_dot(above), O_PATH | O_DIRECTORY, 0);
        if ((below >= 0 && S_ISDIR(status.st_mode)) || parent < 0 ||
            unlinkat(parent, berth_tree_get_name(path), AT_REMOVEDIR) < 0)
            continue;
        berth_tree_forget(tree, path, true);
    }
}

static bool hide_one(BerthTree *tree, const char *name, GError **error) {
    struct stat status;
    berth_autofd int fd = berth_tree_open_entry(tree->root, name, &status);

    if (fd < 0)
        return berth_overlay_make_whiteout(tree->root, name) == 0 ||
               berth_error_set_errno(error, errno, "make a whiteout for \"%.200s\"", name);
    if (!S_ISDIR(status.st_mode))
        return true;
    berth_autofd int directory = berth_fd_open_real(tree->root, name, O_RDONLY | O_DIRECTORY, 0);
    return directory < 0 ? berth_error_set_errno(error, errno, "open \"%.200s\"", name)
                         : berth_tree_set_opaque(tree, directory, name, error);
}

/* Overlayfs always merges the roots of layers, so each name in the lower root is hidden
 * individually. */
static bool settle_opaque_root(BerthTree *tree, int lower, GError **error) {
    berth_autolist DIR *list = berth_directory_list(lower);
    struct stat own, status;
    const char *name;
    bool good = true;

    if (!list || fstat(tree->root, &own) < 0)
        return berth_error_set_errno(error, errno, "list the root");
    while (good && (name = berth_directory_next(list))) {
        /* A layer that is applied to a directory is unpacked inside that directory. */
        if (fstatat(lower, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
            (status.st_ino == own.st_ino && status.st_dev == own.st_dev))
            continue;
        good = hide_one(tree, name, error);
    }
    return good;
}

bool berth_settle(BerthTree *tree, int lower, bool *is_inexact, GError **error) {
    berth_tree_forget_parent(tree);
    *is_inexact = tree->knows == BERTH_LOWER_UNKNOWN && lower >= 0 &&
                  (tree->is_inexact || is_assumed_wrongly(tree, lower));
    if (*is_inexact)
        return true;
    if (!settle_implied(tree, lower, error) || !settle_whiteouts(tree, lower, error))
        return false;
    /* Directories left from such whiteouts would hide names that a file has below. */
    remove_empty_implied(tree, lower);
    if (!berth_settle_links(tree, lower, error))
        return false;
    if (tree->is_opaque && lower >= 0 && !settle_opaque_root(tree, lower, error))
        return false;
    return berth_tree_finish(tree, error);
}
