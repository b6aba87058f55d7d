/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Makes files, directories, symbolic links and nodes of a tree from the entries of a tar; see
 * tree.h. Hard links are in tree-links.c, whiteouts in tree-whiteouts.c.
 */

#include "unpack/tree.h"

#include "base/fd.h"
#include "unpack/attributes.h"
#include "unpack/overlay-form.h"
#include "unpack/tree-names.h"
#include "unpack/tree-notes.h"
#include "unpack/tree-path.h"

#include <errno.h>
#include <sys/xattr.h>

#define DEFAULT_ACL_XATTR "system.posix_acl_default"

BerthTree *berth_tree_new(int root, BerthLowerState knows, int lower) {
    BerthTree *tree = g_new0(BerthTree, 1);

    tree->root = root;
    tree->knows = knows;
    tree->lower = lower;
    tree->parent = -1;
    tree->place = g_string_new(NULL);
    /* The directory to unpack into may have a default ACL of the host's. */
    tree->default_acl = fgetxattr(root, DEFAULT_ACL_XATTR, NULL, 0) > 0;
    berth_tree_notes_init(tree);
    return tree;
}

void berth_tree_free(BerthTree *tree) {
    if (!tree)
        return;
    berth_tree_forget_parent(tree);
    berth_tree_notes_clear(tree);
    g_string_free(tree->place, TRUE);
    berth_fd_clear(&tree->root);
    g_free(tree);
}

/* Sets the attributes of an open file or, if fd is -1, of one that cannot be opened and is named by
 * place. */
static bool set_xattrs(BerthTree *tree, const BerthTreeEntry *entry, const BerthEntryPlace *place,
                       int fd, GError **error) {
    g_assert(place || fd >= 0);
    for (guint i = 0; entry->xattr_names && i < entry->xattr_names->len; i++) {
        const char *name = entry->xattr_names->pdata[i];
        gsize size;
        const void *value = g_bytes_get_data(entry->xattr_values->pdata[i], &size);

        if (!berth_attributes_is_kept_xattr(name))
            continue;
        tree->default_acl = tree->default_acl || g_str_equal(name, DEFAULT_ACL_XATTR);
        int r = !place
                    ? berth_attributes_set_xattr(fd, name, value, size)
                    : berth_attributes_set_xattr_of(place->parent, place->name, name, value, size);
        /* Only regular files and directories can have user attributes (xattr(7)). */
        bool may_be_refused = !S_ISREG(entry->mode) && !S_ISDIR(entry->mode);
        if (r < 0 && errno != ENOTSUP && !(errno == EPERM && may_be_refused))
            return berth_error_set_errno(error, errno, "set %.100s of \"%.200s\"", name,
                                         entry->path);
    }
    return true;
}

/* Owner before mode: chown(2) clears set-id bits. */
static bool set_owner_and_mode(const BerthTreeEntry *entry, int fd, GError **error) {
    if (!berth_attributes_set_owner(fd, "", entry->uid, entry->gid))
        return berth_error_set_errno(error, errno, "set the owner of \"%.200s\"", entry->path);
    if (!berth_attributes_set_mode(fd, entry->mode))
        return berth_error_set_errno(error, errno, "set the mode of \"%.200s\"", entry->path);
    return true;
}

/* An entry owned by root without special bits is already correct, unless its directory gives it a
 * group or an ACL. */
static bool is_as_made(const BerthTree *tree, const BerthTreeEntry *entry) {
    return entry->uid == 0 && entry->gid == 0 && (entry->mode & 07000) == 0 &&
           !tree->parent_gives_group && !tree->default_acl;
}

/* Opens or makes the directory. Anything else with that name is removed, and over is set. */
static int make_listed_directory(BerthTree *tree, const BerthTreeEntry *entry,
                                 const BerthEntryPlace *place, bool *made, bool *over,
                                 GError **error) {
    *over = false;
    for (int attempt = 0; attempt < 2; attempt++) {
        *made = mkdirat(place->parent, place->name, entry->mode & 0777) == 0;
        if (!*made && errno != EEXIST)
            break;
        int fd =
            openat(place->parent, place->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0)
            return fd;
        if (errno != ENOTDIR && errno != ELOOP)
            break;
        if (!berth_tree_remove(tree, place, error))
            return -1;
        *over = true;
    }
    berth_error_set_errno(error, errno, "make directory \"%.200s\"", entry->path);
    return -1;
}

/* Removes attributes from an earlier entry or a default ACL, which this entry does not have. */
static bool clear_xattrs(BerthTree *tree, bool made, int fd, const char *path, GError **error) {
    return (made && !tree->default_acl) || berth_attributes_clear_xattrs(fd, path, error);
}

static bool tree_add_root(BerthTree *tree, const BerthTreeEntry *entry, GError **error) {
    berth_autofd int fd = openat(tree->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const BerthEntryPlace place = {tree->root, "", "."};

    tree->is_listed = true;
    /* It may pass another group on to new entries from now on. */
    berth_tree_forget_parent(tree);
    return fd < 0 ? berth_error_set_errno(error, errno, "open the root")
                  : set_owner_and_mode(entry, fd, error) &&
                        clear_xattrs(tree, false, fd, entry->path, error) &&
                        set_xattrs(tree, entry, &place, fd, error) &&
                        berth_tree_add_time(tree, "", &entry->mtime, error);
}

bool berth_tree_add_directory(BerthTree *tree, const BerthTreeEntry *entry, GError **error) {
    BerthEntryPlace place;
    bool made, over;

    if (entry->path[0] == '\0')
        return tree_add_root(tree, entry, error);
    if (!berth_tree_find_place(tree, entry->path, &place, error))
        return false;
    berth_autofd int fd = make_listed_directory(tree, entry, &place, &made, &over, error);
    if (fd < 0 || (!(made && is_as_made(tree, entry)) && !set_owner_and_mode(entry, fd, error)) ||
        !clear_xattrs(tree, made, fd, entry->path, error) ||
        !set_xattrs(tree, entry, &place, fd, error))
        return false;
    /* Directories made in it earlier may have taken a group that it has in the layers below. */
    if (tree->knows == BERTH_LOWER_UNKNOWN &&
        berth_tree_get_implied(tree, place.path) == BERTH_IMPLIED_INHERITS &&
        berth_tree_has_below(tree->implied, place.path) &&
        !berth_tree_add_assumption(tree, tree->listed_late, place.path, error))
        return false;
    g_tree_remove(tree->implied, place.path);
    g_tree_remove(tree->whiteout_only, place.path);
    /* What was replaced hid the layers below; the new directory must hide them as well. */
    return (!over || berth_tree_set_opaque(tree, fd, place.path, error)) &&
           berth_tree_add_time(tree, place.path, &entry->mtime, error);
}

/* O_EXCL refuses any existing name, even a dangling symbolic link (open(2)). What has the name is
 * then removed, since a later entry of a tar replaces an earlier one. */
int berth_tree_create_file(BerthTree *tree, const BerthTreeEntry *entry, GError **error) {
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    BerthEntryPlace place;

    if (!berth_tree_find_place(tree, entry->path, &place, error))
        return -1;
    int fd = openat(place.parent, place.name, flags, entry->mode & 0777);
    if (fd < 0 && errno == EEXIST) {
        if (!berth_tree_remove(tree, &place, error))
            return -1;
        fd = openat(place.parent, place.name, flags, entry->mode & 0777);
    }
    if (fd < 0)
        berth_error_set_errno(error, errno, "make \"%.200s\"", entry->path);
    return fd;
}

bool berth_tree_finish_file(BerthTree *tree, const BerthTreeEntry *entry, int fd, GError **error) {
    const struct timespec times[2] = {entry->mtime, entry->mtime};

    if (!is_as_made(tree, entry) && !set_owner_and_mode(entry, fd, error))
        return false;
    if (tree->default_acl && !berth_attributes_clear_acl(fd))
        return berth_error_set_errno(error, errno, "remove the ACL of \"%.200s\"", entry->path);
    if (!set_xattrs(tree, entry, NULL, fd, error))
        return false;
    if (futimens(fd, times) < 0)
        return berth_error_set_errno(error, errno, "set the time of \"%.200s\"", entry->path);
    return true;
}

static int make_tree_node(const BerthTreeEntry *entry, const BerthEntryPlace *place) {
    return S_ISLNK(entry->mode)
               ? symlinkat(entry->target, place->parent, place->name)
               : berth_overlay_make_node(place->parent, place->name, entry->mode, entry->device);
}

/* For symbolic links and nodes, which are never opened: opening a device or a FIFO has side
 * effects. */
static bool set_attributes_by_name(BerthTree *tree, const BerthTreeEntry *entry,
                                   const BerthEntryPlace *place, GError **error) {
    const struct timespec times[2] = {entry->mtime, entry->mtime};

    /* A node may have been made with other permissions (overlay-form.c). */
    if (!(S_ISLNK(entry->mode) && is_as_made(tree, entry)) &&
        !berth_attributes_set_owner(place->parent, place->name, entry->uid, entry->gid))
        return berth_error_set_errno(error, errno, "set the owner of \"%.200s\"", entry->path);
    if (tree->default_acl && !S_ISLNK(entry->mode) &&
        !berth_attributes_clear_acl_of(place->parent, place->name))
        return berth_error_set_errno(error, errno, "remove the ACL of \"%.200s\"", entry->path);
    if (!S_ISLNK(entry->mode) &&
        fchmodat(place->parent, place->name, berth_attributes_limit_mode(entry->mode), 0) < 0)
        return berth_error_set_errno(error, errno, "set the mode of \"%.200s\"", entry->path);
    if (!set_xattrs(tree, entry, place, -1, error))
        return false;
    if (utimensat(place->parent, place->name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return berth_error_set_errno(error, errno, "set the time of \"%.200s\"", entry->path);
    return true;
}

/* Makes a symbolic link or a node, replacing whatever has the name. */
static bool tree_add_node(BerthTree *tree, const BerthTreeEntry *entry, GError **error) {
    BerthEntryPlace place;

    if (!berth_tree_find_place(tree, entry->path, &place, error))
        return false;
    if (make_tree_node(entry, &place) < 0 &&
        (errno != EEXIST || !berth_tree_remove(tree, &place, error) ||
         make_tree_node(entry, &place) < 0)) {
        if (error && !*error)
            berth_error_set_errno(error, errno, "make \"%.200s\"", entry->path);
        return false;
    }
    return set_attributes_by_name(tree, entry, &place, error);
}

bool berth_tree_add_symlink(BerthTree *tree, const BerthTreeEntry *entry, GError **error) {
    return tree_add_node(tree, entry, error);
}

bool berth_tree_add_special(BerthTree *tree, const BerthTreeEntry *entry, GError **error) {
    const struct stat status = {.st_mode = entry->mode, .st_rdev = entry->device};

    /* Even if devices cannot be made, the entry hides what it would replace. */
    return berth_overlay_is_whiteout(&status) ||
                   (berth_attributes_are_plain() && !S_ISFIFO(entry->mode))
               ? berth_tree_add_overlay_whiteout(tree, entry, error)
               : tree_add_node(tree, entry, error);
}

static bool apply_time(BerthTree *tree, const char *path, const struct timespec *time,
                       GError **error) {
    const struct timespec times[2] = {*time, *time};
    berth_autofd int fd =
        berth_fd_open_real(tree->root, berth_tree_path_or_dot(path), O_RDONLY | O_DIRECTORY, 0);

    return (fd >= 0 && futimens(fd, times) == 0) ||
           berth_error_set_errno(error, errno, "set the time of \"%.200s\"", path);
}

/* Times of directories come last: every entry made in a directory changes its time. */
bool berth_tree_finish(BerthTree *tree, GError **error) {
    static const struct timespec epoch;

    berth_tree_forget_parent(tree);
    /* A root that no layer lists has no time of its own. */
    if (!tree->is_listed && tree->knows == BERTH_LOWER_NONE && !apply_time(tree, "", &epoch, error))
        return false;
    for (GTreeNode *node = g_tree_node_first(tree->times); node; node = g_tree_node_next(node))
        if (!apply_time(tree, g_tree_node_key(node), g_tree_node_value(node), error))
            return false;
    return true;
}

/* Whether there are notes that only the layers below can settle. A root that is not listed takes
 * its attributes from them. */
bool berth_tree_needs_lower(BerthTree *tree) {
    return g_tree_nnodes(tree->links) > 0 || g_hash_table_size(tree->assumed_directories) > 0 ||
           g_tree_nnodes(tree->implied) > 0 || g_tree_nnodes(tree->whiteouts) > 0 ||
           tree->is_opaque || tree->is_inexact ||
           (!tree->is_listed && tree->knows != BERTH_LOWER_NONE);
}
