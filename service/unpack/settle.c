/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "unpack/settle.h"

#include "base/fd.h"
#include "unpack/attributes.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

enum { MAX_LINKS = 40, MAX_MOVE_DEPTH = 256, COPY_BYTES = 1024 * 1024 };

static const char *or_dot(const char *path) {
    return path[0] ? path : ".";
}

/* The directory at path in the layer gets the attributes it has below, if it is one there. */
static bool inherit(BerthTree *tree, int lower, const char *path, GError **error) {
    berth_autofd int from =
        berth_fd_open_in_root(lower, or_dot(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    berth_autofd int to =
        berth_fd_open_beneath(tree->root, or_dot(path), O_RDONLY | O_DIRECTORY, 0);

    if (from < 0 || to < 0)
        return true;
    return berth_attributes_copy(from, to, path, error);
}

static bool has_opaque_above(BerthTree *tree, const char *path) {
    g_autofree char *prefix = g_strdup(path);

    for (char *slash; (slash = strrchr(prefix, '/')) || prefix[0];) {
        if (slash)
            *slash = '\0';
        else
            prefix[0] = '\0';
        berth_autofd int fd =
            berth_fd_open_beneath(tree->root, or_dot(prefix), O_RDONLY | O_DIRECTORY, 0);
        if (fd >= 0 && berth_attributes_is_opaque(fd))
            return true;
    }
    return false;
}

/* Where path really is below: its symbolic links replaced, as the merged tree has them. NULL where
 * it is nothing or no directory. */
static char *resolve_below(int lower, const char *path) {
    g_autofree char *todo = g_strdup(path);
    g_autoptr(GString) done = g_string_new(NULL);
    int links = 0;

    while (todo[0]) {
        size_t length = strcspn(todo, "/");
        g_autofree char *name = g_strndup(todo, length);
        g_autofree char *rest = g_strdup(todo + length + strspn(todo + length, "/"));
        if (length == 0 || g_str_equal(name, ".")) {
            g_free(g_steal_pointer(&todo)), todo = g_steal_pointer(&rest);
            continue;
        }
        if (g_str_equal(name, "..")) {
            char *slash = strrchr(done->str, '/');
            g_string_truncate(done, slash ? (gsize)(slash - done->str) : 0);
            g_free(g_steal_pointer(&todo)), todo = g_steal_pointer(&rest);
            continue;
        }
        g_autofree char *candidate =
            done->len > 0 ? g_strconcat(done->str, "/", name, NULL) : g_strdup(name);
        berth_autofd int fd = berth_fd_open_in_root(lower, candidate, O_PATH | O_NOFOLLOW, 0);
        char target[PATH_MAX];
        struct stat status;
        if (fd < 0 || fstat(fd, &status) < 0)
            return NULL;
        if (S_ISLNK(status.st_mode)) {
            ssize_t size = readlinkat(fd, "", target, sizeof target - 1);
            if (size <= 0 || ++links > MAX_LINKS)
                return NULL;
            target[size] = '\0';
            if (target[0] == '/')
                g_string_truncate(done, 0);
            g_free(todo);
            todo = g_strconcat(target, "/", rest, NULL);
            continue;
        }
        if (!S_ISDIR(status.st_mode))
            return NULL;
        g_string_assign(done, candidate);
        g_free(g_steal_pointer(&todo)), todo = g_steal_pointer(&rest);
    }
    return g_string_free(g_steal_pointer(&done), FALSE);
}

/* Opens a directory of the layer, making what is missing with the attributes it has below. */
static int open_settled(BerthTree *tree, int lower, const char *path, GError **error) {
    if (path[0]) {
        g_autofree char *prefix = g_strdup(path);
        for (char *slash = prefix; slash;) {
            slash = strchr(slash, '/');
            if (slash)
                *slash = '\0';
            g_autofree char *above = g_path_get_dirname(prefix);
            berth_autofd int parent =
                berth_fd_open_beneath(tree->root, above, O_RDONLY | O_DIRECTORY, 0);
            struct stat status;
            if (parent < 0 || fstat(parent, &status) < 0) {
                berth_error_set_errno(error, errno, "open \"%.200s\"", prefix);
                return -1;
            }
            if (mkdirat(parent, berth_tree_get_name(prefix), 0755) == 0) {
                const struct timespec times[2] = {status.st_atim, status.st_mtim};
                if (!inherit(tree, lower, prefix, error))
                    return -1;
                (void)futimens(parent, times);
            }
            if (slash)
                *slash++ = '/';
        }
    }
    int fd = berth_fd_open_beneath(tree->root, or_dot(path), O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        berth_error_set_errno(error, errno, "open \"%.200s\"", path);
    return fd;
}

/* Moves what is in one directory into another; what both have is merged, the moved wins. */
static bool move_children(int from, int to, unsigned depth, GError **error) {
    berth_autofd int duplicate = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = duplicate < 0 ? NULL : fdopendir(duplicate);
    bool moved = true;

    if (!entries || depth > MAX_MOVE_DEPTH)
        return berth_error_set_errno(error, entries ? ELOOP : errno, "list directory");
    duplicate = -1;
    for (struct dirent *entry; moved && (entry = readdir(entries));) {
        const char *name = entry->d_name;
        if (g_str_equal(name, ".") || g_str_equal(name, ".."))
            continue;
        berth_autofd int theirs = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        berth_autofd int ours = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (theirs >= 0 && ours >= 0) {
            moved = move_children(ours, theirs, depth + 1, error) &&
                    (unlinkat(from, name, AT_REMOVEDIR) == 0 ||
                     berth_error_set_errno(error, errno, "remove \"%.200s\"", name));
            continue;
        }
        if (!berth_fd_remove_tree(to, name, error) || renameat(from, name, to, name) < 0)
            moved = *error == NULL && berth_error_set_errno(error, errno, "move \"%.200s\"", name);
    }
    closedir(entries);
    return moved;
}

/* path of the layer leads through a symbolic link below to real: its content goes there. */
static bool relocate(BerthTree *tree, int lower, const char *path, const char *real,
                     GError **error) {
    g_autofree char *above = g_path_get_dirname(path);
    berth_autofd int from = berth_fd_open_beneath(tree->root, path, O_RDONLY | O_DIRECTORY, 0);
    berth_autofd int parent = berth_fd_open_beneath(tree->root, above, O_RDONLY | O_DIRECTORY, 0);
    struct stat status, parent_status;

    if (from < 0 || parent < 0)
        return true;
    berth_autofd int to = open_settled(tree, lower, real, error);
    if (to < 0)
        return false;
    if (fstat(to, &status) < 0 || fstat(parent, &parent_status) < 0)
        return berth_error_set_errno(error, errno, "look at \"%.200s\"", real);
    if (!move_children(from, to, 0, error))
        return false;
    if (unlinkat(parent, berth_tree_get_name(path), AT_REMOVEDIR) < 0)
        return berth_error_set_errno(error, errno, "remove \"%.200s\"", path);
    const struct timespec times[2] = {status.st_atim, status.st_mtim};
    const struct timespec parent_times[2] = {parent_status.st_atim, parent_status.st_mtim};
    (void)futimens(to, times);
    (void)futimens(parent, parent_times);
    return true;
}

static int compare_paths(gconstpointer a, gconstpointer b) {
    return strcmp(a, b);
}

static bool settle_implied(BerthTree *tree, int lower, GError **error) {
    g_autoptr(GList) paths = g_hash_table_get_keys(tree->implied);

    /* Sorted, a directory comes before what is in it. */
    paths = g_list_sort(paths, compare_paths);
    for (GList *item = paths; item; item = item->next) {
        const char *path = item->data;
        if (has_opaque_above(tree, path))
            continue;
        g_autofree char *real = resolve_below(lower, path);
        if (real && !g_str_equal(real, path)) {
            if (!relocate(tree, lower, path, real, error) || !inherit(tree, lower, real, error))
                return false;
        } else if (!inherit(tree, lower, path, error)) {
            return false;
        }
    }
    return true;
}

static bool copy_content(int from, int to, GError **error) {
    for (;;) {
        ssize_t copied = copy_file_range(from, NULL, to, NULL, COPY_BYTES, 0);
        if (copied == 0)
            return true;
        if (copied > 0 || errno == EINTR)
            continue;
        if (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS)
            return berth_error_set_errno(error, errno, "copy a file");
        char buffer[64 * 1024];
        for (ssize_t got; (got = read(from, buffer, sizeof buffer)) != 0;)
            if (got < 0 || !berth_fd_write_all(to, buffer, (size_t)got))
                return berth_error_set_errno(error, errno, "copy a file");
        return true;
    }
}

/* A file of a lower layer into this one, under its own path, as overlayfs' copy-up does. */
static bool copy_up(int source, int parent, const BerthTreeLink *link, GError **error) {
    const char *name = berth_tree_get_name(link->target);
    char target[PATH_MAX];
    struct stat status;

    if (fstat(source, &status) < 0)
        return berth_error_set_errno(error, errno, "look at \"%.200s\"", link->target);
    if (S_ISLNK(status.st_mode)) {
        const struct timespec times[2] = {status.st_atim, status.st_mtim};
        ssize_t size = readlinkat(source, "", target, sizeof target - 1);
        target[MAX(size, 0)] = '\0';
        if (size < 0 || symlinkat(target, parent, name) < 0 ||
            !berth_attributes_set_owner(parent, name, status.st_uid, status.st_gid) ||
            utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) < 0)
            return berth_error_set_errno(error, errno, "copy \"%.200s\"", link->target);
        return true;
    }
    if (!S_ISREG(status.st_mode))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "\"%.200s\" is a hard link to \"%.200s\", which is no file",
                               link->path, link->target);
    berth_autofd int to = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0)
        return berth_error_set_errno(error, errno, "copy \"%.200s\"", link->target);
    return copy_content(source, to, error) &&
           berth_attributes_copy(source, to, link->target, error);
}

/* Other names of a file of lower layers: they all are one file after a link is added, so they are
 * all made in this layer. Looked for only where the file has other names at all. */
typedef struct {
    BerthTree *tree;
    int lower;
    const BerthTreeLink *link;
    struct stat wanted;
    int target_parent; /* the copy, in this layer */
} Siblings;

static bool link_sibling(const Siblings *siblings, const char *path, GError **error) {
    g_autofree char *above = g_path_get_dirname(path);
    struct stat before;

    if (g_str_equal(path, siblings->link->target) || has_opaque_above(siblings->tree, path))
        return true;
    berth_autofd int parent =
        open_settled(siblings->tree, siblings->lower, g_str_equal(above, ".") ? "" : above, NULL);
    /* Behind a whiteout of this layer the name is gone. */
    if (parent < 0)
        return true;
    if (fstat(parent, &before) < 0 ||
        (linkat(siblings->target_parent, berth_tree_get_name(siblings->link->target), parent,
                berth_tree_get_name(path), 0) < 0 &&
         errno != EEXIST))
        return berth_error_set_errno(error, errno, "link \"%.200s\"", path);
    const struct timespec times[2] = {before.st_atim, before.st_mtim};
    (void)futimens(parent, times);
    return true;
}

static bool link_siblings_in(const Siblings *siblings, const char *directory, unsigned depth,
                             GError **error) {
    int fd = berth_fd_open_beneath(siblings->lower, or_dot(directory), O_RDONLY | O_DIRECTORY, 0);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    bool linked = true;

    if (!entries || depth > MAX_MOVE_DEPTH)
        return berth_error_set_errno(error, entries ? ELOOP : errno, "list directory");
    for (struct dirent *entry; linked && (entry = readdir(entries));) {
        struct stat status;
        if (g_str_equal(entry->d_name, ".") || g_str_equal(entry->d_name, "..") ||
            (entry->d_type != DT_DIR && entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN))
            continue;
        g_autofree char *path = directory[0] ? g_strconcat(directory, "/", entry->d_name, NULL)
                                             : g_strdup(entry->d_name);
        if (fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
            linked = berth_error_set_errno(error, errno, "look at \"%.200s\"", path);
        else if (S_ISDIR(status.st_mode))
            linked = link_siblings_in(siblings, path, depth + 1, error);
        else if (status.st_ino == siblings->wanted.st_ino &&
                 status.st_dev == siblings->wanted.st_dev)
            linked = link_sibling(siblings, path, error);
    }
    closedir(entries);
    return linked;
}

static int open_link_source(int lower, const BerthTreeLink *link) {
    int fd = lower < 0 ? -1 : berth_fd_open_in_root(lower, link->target, O_PATH | O_NOFOLLOW, 0);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return fd;
    close(fd);
    return berth_fd_open_in_root(lower, link->target, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
}

static bool settle_link(BerthTree *tree, int lower, const BerthTreeLink *link, GError **error) {
    g_autofree char *target_above = g_path_get_dirname(link->target);
    g_autofree char *path_above = g_path_get_dirname(link->path);
    const char *target_name = berth_tree_get_name(link->target);
    struct stat status, before;

    berth_autofd int target_parent =
        open_settled(tree, lower, g_str_equal(target_above, ".") ? "" : target_above, error);
    if (target_parent < 0)
        return false;
    if (fstat(target_parent, &before) < 0)
        return berth_error_set_errno(error, errno, "look at \"%.200s\"", target_above);
    if (fstatat(target_parent, target_name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
        berth_autofd int source = open_link_source(lower, link);
        if (source < 0)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "\"%.200s\" is a hard link to \"%.200s\", which no layer holds",
                                   link->path, link->target);
        if (!copy_up(source, target_parent, link, error))
            return false;
        const struct timespec times[2] = {before.st_atim, before.st_mtim};
        (void)futimens(target_parent, times);
        Siblings siblings = {tree, lower, link, {0}, target_parent};
        if (fstat(source, &siblings.wanted) < 0)
            return berth_error_set_errno(error, errno, "look at \"%.200s\"", link->target);
        if (S_ISREG(siblings.wanted.st_mode) && siblings.wanted.st_nlink > 1 &&
            !link_siblings_in(&siblings, "", 0, error))
            return false;
    }
    berth_autofd int path_parent =
        open_settled(tree, lower, g_str_equal(path_above, ".") ? "" : path_above, error);
    if (path_parent < 0)
        return false;
    if (fstat(path_parent, &before) < 0)
        return berth_error_set_errno(error, errno, "look at \"%.200s\"", path_above);
    if (linkat(target_parent, target_name, path_parent, berth_tree_get_name(link->path), 0) < 0 &&
        errno != EEXIST)
        return berth_error_set_errno(error, errno, "link \"%.200s\" to \"%.200s\"", link->path,
                                     link->target);
    const struct timespec times[2] = {before.st_atim, before.st_mtim};
    (void)futimens(path_parent, times);
    return true;
}

/* A whiteout shows as a nameless device in a directory that overlayfs does not merge. */
static bool settle_whiteout(BerthTree *tree, int lower, const char *path, GError **error) {
    g_autofree char *above = g_path_get_dirname(path);
    berth_autofd int parent = berth_fd_open_beneath(tree->root, above, O_RDONLY | O_DIRECTORY, 0);
    const char *name = berth_tree_get_name(path);
    struct stat status;

    if (parent < 0 || fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISCHR(status.st_mode) || status.st_rdev != makedev(0, 0))
        return true;
    berth_autofd int below =
        lower < 0 ? -1 : berth_fd_open_in_root(lower, path, O_PATH | O_NOFOLLOW, 0);
    if (below >= 0 && !has_opaque_above(tree, path))
        return true;
    if (fstat(parent, &status) < 0 || unlinkat(parent, name, 0) < 0)
        return berth_error_set_errno(error, errno, "remove a whiteout of \"%.200s\"", path);
    const struct timespec times[2] = {status.st_atim, status.st_mtim};
    (void)futimens(parent, times);
    return true;
}

/* Directories that were only made for a whiteout of nothing are nothing either. An opaque one hides
 * what is below, and so is something even if it is empty. */
static void remove_empty_implied(BerthTree *tree) {
    g_autoptr(GList) paths = g_hash_table_get_keys(tree->implied);
    struct stat status;

    paths = g_list_reverse(g_list_sort(paths, compare_paths));
    for (GList *item = paths; item; item = item->next) {
        const char *path = item->data;
        g_autofree char *above = g_path_get_dirname(path);
        berth_autofd int parent =
            path[0] ? berth_fd_open_beneath(tree->root, above, O_RDONLY | O_DIRECTORY, 0) : -1;
        berth_autofd int directory =
            path[0] ? berth_fd_open_beneath(tree->root, path, O_RDONLY | O_DIRECTORY, 0) : -1;
        if (parent < 0 || directory < 0 || berth_attributes_is_opaque(directory) ||
            fstat(parent, &status) < 0 ||
            unlinkat(parent, berth_tree_get_name(path), AT_REMOVEDIR) < 0)
            continue;
        const struct timespec times[2] = {status.st_atim, status.st_mtim};
        (void)futimens(parent, times);
    }
}

bool berth_settle(BerthTree *tree, int lower, GError **error) {
    berth_tree_forget_parent(tree);
    if (lower >= 0 && !settle_implied(tree, lower, error))
        return false;
    for (guint i = 0; i < tree->links->len; i++)
        if (!settle_link(tree, lower, tree->links->pdata[i], error))
            return false;
    for (guint i = 0; i < tree->whiteouts->len; i++)
        if (!settle_whiteout(tree, lower, tree->whiteouts->pdata[i], error))
            return false;
    remove_empty_implied(tree);
    return true;
}
