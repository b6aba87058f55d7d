/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Walks a path through the merged tree, component by component, with one O_NOFOLLOW lookup at a
 * time and openat2 below the root's descriptor: no concurrent change can lead out of it.
 *
 * The common case takes one call: the directory exists, and there is no symbolic link on the way.
 */

#include "unpack/tree-path.h"

#include "base/fd.h"
#include "unpack/attributes.h"
#include "unpack/overlay-form.h"
#include "unpack/tree-names.h"
#include "unpack/tree-notes.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* The number of links is not the kernel's (path_resolution(7)) but that of other tools that resolve
 * the paths of layers themselves. */
enum { MAX_LINKS = 255, MAX_STEPS = PATH_MAX, MAX_PATH_BYTES = PATH_MAX };

typedef struct {
    BerthTree *tree;
    BerthWalkKind kind;
    BerthWalk *result;
    const char *whole; /* for messages */
    GString *done, *todo;
    unsigned links, steps;
} PathWalk;

int berth_tree_open_entry(int root, const char *path, struct stat *status) {
    int fd = berth_fd_open_real(root, berth_tree_path_or_dot(path), O_PATH | O_NOFOLLOW, 0);

    if (fd >= 0 && fstat(fd, status) < 0)
        berth_fd_clear(&fd);
    return fd;
}

void berth_walk_clear(BerthWalk *walk) {
    g_clear_pointer(&walk->real, g_free);
}

/* The next entry looks up its directory again. */
void berth_tree_forget_parent(BerthTree *tree) {
    berth_fd_clear(&tree->parent);
    g_clear_pointer(&tree->parent_path, g_free);
    g_clear_pointer(&tree->parent_real, g_free);
    tree->parent_stale = false;
}

/* The lowest layer has nothing to hide, so it needs no mark. */
bool berth_tree_set_opaque(BerthTree *tree, int directory, const char *path, GError **error) {
    if (tree->knows == BERTH_LOWER_NONE)
        return true;
    if (!berth_attributes_make_opaque(directory))
        return berth_error_set_errno(error, errno, "make \"%.200s\" opaque", path);
    return berth_tree_add_note(tree, tree->opaque, path, NULL, error);
}

bool berth_tree_remove(BerthTree *tree, const BerthEntryPlace *place, GError **error) {
    struct stat status;

    if (fstatat(place->parent, place->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ||
               berth_error_set_errno(error, errno, "examine \"%.200s\"", place->path);
    if (!berth_fd_remove_tree(place->parent, place->name, error))
        return false;
    berth_tree_forget(tree, place->path, S_ISDIR(status.st_mode));
    /* The path of the parent may have led through what was removed. */
    tree->parent_stale = true;
    return true;
}

static bool fail_walk(const PathWalk *walk, int errnum, GError **error) {
    if (errnum == ELOOP)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "\"%.200s\" leads through more than %d symbolic links", walk->whole,
                               MAX_LINKS);
    return berth_error_set_errno(error, errnum, "open \"%.200s\"", walk->whole);
}

static int open_done(const PathWalk *walk) {
    return berth_fd_open_real(walk->tree->root, berth_tree_path_or_dot(walk->done->str),
                              O_RDONLY | O_DIRECTORY, 0);
}

/* Makes a directory at path. over: something else in this layer has that name and is removed. */
static bool make_directory_on_way(PathWalk *walk, const char *path, bool over,
                                  BerthImpliedDirectory implied, GError **error) {
    BerthTree *tree = walk->tree;
    berth_autofd int parent = open_done(walk);
    const BerthEntryPlace place = {parent, path, berth_tree_get_name(path)};

    if (parent < 0)
        return fail_walk(walk, errno, error);
    if (over && !berth_tree_remove(tree, &place, error))
        return false;
    if (mkdirat(parent, place.name, 0755) < 0)
        return berth_error_set_errno(error, errno, "make directory \"%.200s\"", path);
    if (!berth_tree_add_note(tree, tree->implied, path, GUINT_TO_POINTER(implied), error))
        return false;
    if (!over && !tree->default_acl)
        return true;
    berth_autofd int directory = openat(parent, place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (directory < 0 || !berth_attributes_take_default_acl(parent, directory))
        return fail_walk(walk, errno, error);
    /* What was replaced hid the layers below; the new directory must hide them as well. */
    return !over || berth_tree_set_opaque(tree, directory, path, error);
}

/* Puts the target of a symbolic link before the rest of the path. An absolute target starts at the
 * tree's root, never at the process's. */
static bool follow_text(PathWalk *walk, const char *target, GError **error) {
    if (++walk->links > MAX_LINKS)
        return fail_walk(walk, ELOOP, error);
    if (target[0] == '/')
        g_string_truncate(walk->done, 0);
    g_string_prepend_c(walk->todo, '/');
    g_string_prepend(walk->todo, target);
    return walk->todo->len < 2 * MAX_PATH_BYTES || fail_walk(walk, ENAMETOOLONG, error);
}

static bool follow_link(PathWalk *walk, int link, GError **error) {
    char target[PATH_MAX];
    ssize_t size = readlinkat(link, "", target, sizeof target - 1);

    if (size < 0)
        return fail_walk(walk, errno, error);
    target[size] = '\0';
    return follow_text(walk, target, error);
}

/* There is a hard link to a lower file on the way. Only that file shows whether it is a symbolic
 * link. */
static bool pass_placeholder(PathWalk *walk, const BerthTreeLink *link, bool *followed,
                             GError **error) {
    BerthTree *tree = walk->tree;
    struct stat status;

    *followed = false;
    if (tree->knows != BERTH_LOWER_KNOWN || link->hidden) {
        tree->is_inexact = tree->is_inexact || tree->knows == BERTH_LOWER_UNKNOWN;
        return true;
    }
    berth_autofd int lower = berth_tree_open_entry(tree->lower, link->target, &status);
    if (lower < 0 || !S_ISLNK(status.st_mode))
        return true;
    *followed = true;
    return follow_link(walk, lower, error);
}

/* There is something other than a directory on the way. An entry below it replaces it with a
 * directory. */
static bool pass_obstacle(PathWalk *walk, const char *path, GError **error) {
    const BerthTreeLink *link = g_tree_lookup(walk->tree->links, path);
    bool followed = false;

    if (link && !pass_placeholder(walk, link, &followed, error))
        return false;
    if (followed)
        return true;
    /* Below something that is not a directory, a whiteout hides nothing. */
    if (walk->kind == BERTH_WALK_HIDE)
        walk->result->result = BERTH_WALK_ABSENT;
    else if (walk->kind == BERTH_WALK_FIND)
        walk->result->result = BERTH_WALK_HIDDEN;
    else if (!make_directory_on_way(walk, path, true, BERTH_IMPLIED_NEW, error))
        return false;
    g_string_assign(walk->done, path);
    return true;
}

/* Sets the attributes at once, since the next entry in the directory may take its group or an ACL
 * from it. */
static bool inherit_at_once(BerthTree *tree, const char *path, const struct stat *below,
                            GError **error) {
    berth_autofd int directory = berth_fd_open_real(tree->root, path, O_RDONLY | O_DIRECTORY, 0);
    berth_autofd int lower = berth_fd_open_real(tree->lower, path, O_RDONLY | O_DIRECTORY, 0);

    tree->default_acl = tree->default_acl || berth_attributes_have_default_acl(lower);
    return (directory >= 0 && lower >= 0 &&
            berth_attributes_set_owner(directory, "", below->st_uid, below->st_gid) &&
            berth_attributes_set_mode(directory, below->st_mode) &&
            berth_attributes_take_default_acl(lower, directory)) ||
           berth_error_set_errno(error, errno, "set the attributes of \"%.200s\"", path);
}

bool berth_tree_inherit(BerthTree *tree, const char *path, GError **error) {
    g_autofree char *above = berth_tree_get_directory(path);
    berth_autofd int parent =
        berth_fd_open_real(tree->root, berth_tree_path_or_dot(above), O_RDONLY | O_DIRECTORY, 0);
    berth_autofd int directory = berth_fd_open_real(tree->root, path, O_RDONLY | O_DIRECTORY, 0);

    return (parent >= 0 && directory >= 0 && berth_attributes_inherit(parent, directory)) ||
           berth_error_set_errno(error, errno, "set the attributes of \"%.200s\"", path);
}

/* A directory that was made only for whiteouts now gets an entry. It is treated as if it were being
 * made now, since the one above may have been listed in the meantime. If it exists in the layers
 * below, it already has their attributes, or gets them when settling. */
static bool tree_enter_held(BerthTree *tree, const char *path, GError **error) {
    struct stat status;

    if (!g_tree_remove(tree->whiteout_only, path))
        return true;
    if (tree->knows == BERTH_LOWER_KNOWN &&
        berth_tree_get_implied(tree, path) == BERTH_IMPLIED_INHERITS) {
        berth_autofd int lower = berth_tree_open_entry(tree->lower, path, &status);
        if (lower >= 0 && S_ISDIR(status.st_mode))
            return true;
    }
    return berth_tree_inherit(tree, path, error);
}

/* Records that path has entries: neither it nor the directories above hold only whiteouts any more.
 */
static bool tree_enter(BerthTree *tree, const char *path, GError **error) {
    g_autofree char *prefix = g_strdup(path);

    if (g_tree_nnodes(tree->whiteout_only) == 0)
        return true;
    for (char *slash = strchr(prefix, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!tree_enter_held(tree, prefix, error))
            return false;
        *slash = '/';
    }
    return tree_enter_held(tree, prefix, error);
}

static bool make_missing(PathWalk *walk, const char *path, bool visible, const struct stat *below,
                         GError **error) {
    BerthTree *tree = walk->tree;
    BerthImpliedDirectory implied = visible ? BERTH_IMPLIED_INHERITS : BERTH_IMPLIED_NEW;

    return make_directory_on_way(walk, path, false, implied, error) &&
           (!below || inherit_at_once(tree, path, below, error)) &&
           (walk->kind != BERTH_WALK_HIDE ||
            berth_tree_add_note(tree, tree->whiteout_only, path, NULL, error));
}

/* This layer has not made path: it may be in the layers below, or not exist. */
static bool pass_missing(PathWalk *walk, const char *path, GError **error) {
    BerthTree *tree = walk->tree;
    bool visible = walk->result->result != BERTH_WALK_HIDDEN && berth_tree_sees_lower(tree, path);
    bool may_be_directory = visible, is_directory_below = false;
    struct stat status;

    if (visible && tree->knows == BERTH_LOWER_KNOWN) {
        berth_autofd int lower = berth_tree_open_entry(tree->lower, path, &status);
        if (lower >= 0 && S_ISLNK(status.st_mode))
            return follow_link(walk, lower, error);
        may_be_directory = is_directory_below = lower >= 0 && S_ISDIR(status.st_mode);
    } else if (visible &&
               !berth_tree_add_assumption(tree, tree->assumed_directories, path, error)) {
        return false;
    }
    if (walk->kind == BERTH_WALK_HIDE && !may_be_directory)
        walk->result->result = BERTH_WALK_ABSENT;
    else if (walk->kind != BERTH_WALK_FIND &&
             !make_missing(walk, path, visible, is_directory_below ? &status : NULL, error))
        return false;
    g_string_assign(walk->done, path);
    return true;
}

static bool pass_directory(PathWalk *walk, const char *name, GError **error) {
    struct stat status;

    /* Symbolic links can multiply the components far beyond the length of a path. */
    if (++walk->steps > MAX_STEPS)
        return fail_walk(walk, ELOOP, error);
    if (g_str_equal(name, "..")) {
        const char *slash = strrchr(walk->done->str, '/');
        g_string_truncate(walk->done, slash ? (gsize)(slash - walk->done->str) : 0);
        return true;
    }
    g_autofree char *path = berth_tree_join(walk->done->str, name);
    if (strlen(path) >= MAX_PATH_BYTES)
        return fail_walk(walk, ENAMETOOLONG, error);
    berth_autofd int fd = berth_tree_open_entry(walk->tree->root, path, &status);
    /* ENOTDIR: below an obstacle that a walk with HIDE or FIND has passed. */
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? pass_missing(walk, path, error)
                                                   : fail_walk(walk, errno, error);
    if (S_ISLNK(status.st_mode))
        return follow_link(walk, fd, error);
    if (!S_ISDIR(status.st_mode))
        return pass_obstacle(walk, path, error);
    g_string_assign(walk->done, path);
    return true;
}

bool berth_tree_walk(BerthTree *tree, const char *directory, BerthWalkKind kind, BerthWalk *result,
                     GError **error) {
    g_autoptr(GString) done = g_string_new(NULL), todo = g_string_new(directory);
    PathWalk walk = {tree, kind, result, directory, done, todo, 0, 0};

    while (todo->len > 0 && result->result != BERTH_WALK_ABSENT) {
        size_t length = strcspn(todo->str, "/");
        g_autofree char *name = g_strndup(todo->str, length);
        g_string_erase(todo, 0, (gssize)(length + strspn(todo->str + length, "/")));
        if (name[0] && !g_str_equal(name, ".") && !pass_directory(&walk, name, error))
            return false;
    }
    if (kind == BERTH_WALK_ENTER && !tree_enter(tree, done->str, error))
        return false;
    result->real = g_string_free(g_steal_pointer(&done), FALSE);
    return true;
}

static int open_parent(BerthTree *tree, const char *path) {
    return berth_fd_open_real(tree->root, berth_tree_path_or_dot(path), O_PATH | O_DIRECTORY, 0);
}

/* Opens the directory of an entry and keeps it in the tree, under the name that the tar uses for
 * it. Takes ownership of directory, even on failure. */
static bool enter_parent(BerthTree *tree, char *directory, GError **error) {
    g_auto(BerthWalk) walk = {0};
    struct stat status;

    berth_tree_forget_parent(tree);
    tree->parent_path = directory;
    /* The common case: every component is a directory, so the path is already real. */
    int fd = open_parent(tree, directory);
    if (fd >= 0) {
        if (!tree_enter(tree, directory, error)) {
            berth_fd_clear(&fd);
            return false;
        }
    } else {
        if (!berth_tree_walk(tree, directory, BERTH_WALK_ENTER, &walk, error))
            return false;
        fd = open_parent(tree, walk.real);
        tree->parent_real = g_steal_pointer(&walk.real);
    }
    if (fd < 0 || fstat(fd, &status) < 0) {
        berth_error_set_errno(error, errno, "open \"%.200s\"", directory);
        berth_fd_clear(&fd);
        return false;
    }
    tree->parent = fd;
    /* On a file system mounted with "grpid", each directory passes its group on (ext4(5)). */
    tree->parent_gives_group =
        (status.st_mode & S_ISGID) || (status.st_gid != 0 && !berth_attributes_are_plain());
    return true;
}

/* If the path leads through symbolic links of the layers below, any entry may have replaced one of
 * them, so the directory of the last entry cannot be reused. */
static bool is_parent_of(const BerthTree *tree, const char *path, size_t length) {
    return tree->parent >= 0 && !tree->parent_stale &&
           !(tree->parent_real && tree->knows == BERTH_LOWER_KNOWN) &&
           strlen(tree->parent_path) == length && strncmp(tree->parent_path, path, length) == 0;
}

/* Keeps the directory of the last entry open, since entries of one directory mostly follow each
 * other. */
bool berth_tree_find_place(BerthTree *tree, const char *path, BerthEntryPlace *place,
                           GError **error) {
    const char *name = berth_tree_get_name(path);
    size_t length = name == path ? 0 : (size_t)(name - path - 1);

    if (!is_parent_of(tree, path, length) && !enter_parent(tree, g_strndup(path, length), error)) {
        berth_tree_forget_parent(tree);
        return false;
    }
    place->parent = tree->parent;
    place->path = path;
    place->name = name;
    if (!tree->parent_real)
        return true;
    g_string_assign(tree->place, tree->parent_real);
    if (tree->place->len > 0)
        g_string_append_c(tree->place, '/');
    g_string_append(tree->place, name);
    place->path = tree->place->str;
    place->name = berth_tree_get_name(place->path);
    return true;
}
