/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "unpack/tree.h"

#include "base/fd.h"
#include "unpack/attributes.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define WHITEOUT_PREFIX ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

/* What may be noted of one layer: a million long names. */
#define MAX_NOTED_BYTES (32u * 1024 * 1024)

enum { MAX_PATH_BYTES = 4096 };

typedef struct {
    char *path;
    struct timespec mtime;
} DirectoryTime;

static void free_link(gpointer data) {
    BerthTreeLink *link = data;

    g_free(link->target);
    g_free(link->path);
    g_free(link);
}

static void free_time(gpointer data) {
    DirectoryTime *time = data;

    g_free(time->path);
    g_free(time);
}

BerthTree *berth_tree_new(int root) {
    BerthTree *tree = g_new0(BerthTree, 1);

    tree->root = root;
    tree->implied = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    tree->links = g_ptr_array_new_with_free_func(free_link);
    tree->whiteouts = g_ptr_array_new_with_free_func(g_free);
    tree->times = g_ptr_array_new_with_free_func(free_time);
    tree->parent = -1;
    /* Until the tar lists it. */
    g_hash_table_add(tree->implied, g_strdup(""));
    return tree;
}

void berth_tree_free(BerthTree *tree) {
    if (!tree)
        return;
    berth_tree_forget_parent(tree);
    g_hash_table_unref(tree->implied);
    g_ptr_array_unref(tree->links);
    g_ptr_array_unref(tree->whiteouts);
    g_ptr_array_unref(tree->times);
    berth_fd_clear(&tree->root);
    g_free(tree);
}

static bool note(BerthTree *tree, size_t bytes, GError **error) {
    tree->noted_bytes += bytes + 64;
    return tree->noted_bytes <= MAX_NOTED_BYTES ||
           berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                           "the layer has too many directories, links and whiteouts");
}

char *berth_tree_normalize(const char *path, GError **error) {
    g_autoptr(GString) normal = g_string_new(NULL);

    if (path[0] == '/') {
        berth_error_set(
            error, BERTH_ERROR_INVALID_ARGUMENT,
            "the layer holds the absolute name \"%.200s\"; names in a layer are relative", path);
        return NULL;
    }
    while (*path) {
        size_t length = strcspn(path, "/");
        if (length == 2 && strncmp(path, "..", 2) == 0) {
            berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                            "the layer holds a name that climbs out of it with \"..\": \"%.200s\"",
                            path);
            return NULL;
        }
        if (length > 0 && !(length == 1 && path[0] == '.')) {
            if (normal->len > 0)
                g_string_append_c(normal, '/');
            g_string_append_len(normal, path, (gssize)length);
        }
        path += length;
        path += strspn(path, "/");
    }
    if (normal->len >= MAX_PATH_BYTES) {
        berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED, "the layer holds a name of %zu bytes",
                        normal->len);
        return NULL;
    }
    return g_string_free(g_steal_pointer(&normal), FALSE);
}

const char *berth_tree_get_name(const char *path) {
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

void berth_tree_forget_parent(BerthTree *tree) {
    berth_fd_clear(&tree->parent);
    g_clear_pointer(&tree->parent_path, g_free);
}

static bool path_error(int errnum, const char *path, GError **error) {
    if (errnum == EXDEV || errnum == ELOOP)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "\"%.200s\" leads out of the layer through a symbolic link", path);
    if (errnum == ENOTDIR)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "\"%.200s\" leads through something that is no directory", path);
    return berth_error_set_errno(error, errnum, "open \"%.200s\"", path);
}

static bool set_opaque(int parent, const char *name, const char *path, GError **error) {
    berth_autofd int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || !berth_attributes_make_opaque(fd))
        return berth_error_set_errno(error, errno, "make \"%.200s\" opaque", path);
    return true;
}

static bool is_whiteout(int parent, const char *name) {
    struct stat status;

    return fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(status.st_mode) &&
           status.st_rdev == makedev(0, 0);
}

/* A directory in the place of a whiteout of the same layer hides what the whiteout hid. made is
 * false where something has the name already. */
static bool make_one_directory(int parent, const char *name, mode_t mode, const char *path,
                               bool *made, GError **error) {
    *made = mkdirat(parent, name, mode) == 0;
    if (*made)
        return true;
    if (errno != EEXIST)
        return berth_error_set_errno(error, errno, "make directory \"%.200s\"", path);
    if (!is_whiteout(parent, name))
        return true;
    if (unlinkat(parent, name, 0) < 0 || mkdirat(parent, name, mode) < 0)
        return berth_error_set_errno(error, errno, "make directory \"%.200s\"", path);
    *made = true;
    return set_opaque(parent, name, path, error);
}

/* Makes path and what is missing above it, noting each. */
static bool make_implied(BerthTree *tree, const char *path, GError **error) {
    g_autofree char *prefix = g_strdup(path);

    for (char *slash = prefix;; slash++) {
        slash = strchr(slash, '/');
        if (slash)
            *slash = '\0';
        g_autofree char *above = g_path_get_dirname(prefix);
        berth_autofd int directory =
            berth_fd_open_beneath(tree->root, above, O_PATH | O_DIRECTORY, 0);
        if (directory < 0)
            return path_error(errno, prefix, error);
        bool made;
        if (!make_one_directory(directory, berth_tree_get_name(prefix), 0755, prefix, &made,
                                error) ||
            (made && !note(tree, strlen(prefix), error)))
            return false;
        if (made)
            g_hash_table_add(tree->implied, g_strdup(prefix));
        if (!slash)
            return true;
        *slash = '/';
    }
}

int berth_tree_open_parent(BerthTree *tree, const char *path, GError **error) {
    const char *name = berth_tree_get_name(path);
    size_t length = name == path ? 0 : (size_t)(name - path - 1);

    if (tree->parent >= 0 && strlen(tree->parent_path) == length &&
        strncmp(tree->parent_path, path, length) == 0)
        return tree->parent;
    g_autofree char *directory = g_strndup(path, length);
    berth_tree_forget_parent(tree);
    const char *opened = length > 0 ? directory : ".";
    int fd = berth_fd_open_beneath(tree->root, opened, O_PATH | O_DIRECTORY, 0);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        if (!make_implied(tree, directory, error))
            return -1;
        fd = berth_fd_open_beneath(tree->root, opened, O_PATH | O_DIRECTORY, 0);
    }
    if (fd < 0) {
        path_error(errno, path, error);
        return -1;
    }
    tree->parent_path = g_steal_pointer(&directory);
    return tree->parent = fd;
}

/* A later entry replaces an earlier one of the same name. */
static bool remove_existing(BerthTree *tree, const char *path, GError **error) {
    int parent = berth_tree_open_parent(tree, path, error);

    if (parent < 0 || !berth_fd_remove_tree(parent, berth_tree_get_name(path), error))
        return false;
    g_hash_table_remove(tree->implied, path);
    berth_tree_forget_parent(tree);
    return true;
}

static bool set_xattrs(BerthTree *tree, const BerthTreeEntry *entry, int fd, GError **error) {
    for (guint i = 0; entry->xattr_names && i < entry->xattr_names->len; i++) {
        const char *name = entry->xattr_names->pdata[i];
        gsize size;
        const void *value = g_bytes_get_data(entry->xattr_values->pdata[i], &size);
        int r;

        if (!berth_attributes_is_kept_xattr(name))
            continue;
        if (fd >= 0) {
            r = fsetxattr(fd, name, value, size, 0);
        } else {
            /* There is no lsetxattrat before Linux 6.13; the tree is this process's only root. */
            int parent = berth_tree_open_parent(tree, entry->path, error);
            if (parent < 0)
                return false;
            r = fchdir(parent) < 0
                    ? -1
                    : lsetxattr(berth_tree_get_name(entry->path), name, value, size, 0);
        }
        if (r < 0 && errno != ENOTSUP && !(errno == EPERM && S_ISLNK(entry->mode)))
            return berth_error_set_errno(error, errno, "set %.100s of \"%.200s\"", name,
                                         entry->path);
    }
    return true;
}

/* Ownership before mode: chown(2) clears set-id bits. */
static bool set_attributes_of_fd(BerthTree *tree, const BerthTreeEntry *entry, int fd,
                                 bool chmod_needed, GError **error) {
    if ((entry->uid != 0 || entry->gid != 0 || chmod_needed) &&
        !berth_attributes_set_owner(fd, "", entry->uid, entry->gid))
        return berth_error_set_errno(error, errno, "set the owner of \"%.200s\"", entry->path);
    if (chmod_needed && !berth_attributes_set_mode(fd, entry->mode))
        return berth_error_set_errno(error, errno, "set the mode of \"%.200s\"", entry->path);
    return set_xattrs(tree, entry, fd, error);
}

static bool set_time(const BerthTreeEntry *entry, int parent, GError **error) {
    const struct timespec times[2] = {entry->mtime, entry->mtime};

    if (utimensat(parent, berth_tree_get_name(entry->path), times, AT_SYMLINK_NOFOLLOW) < 0)
        return berth_error_set_errno(error, errno, "set the time of \"%.200s\"", entry->path);
    return true;
}

static int make_directory(BerthTree *tree, const BerthTreeEntry *entry, GError **error) {
    const char *name = berth_tree_get_name(entry->path);
    int parent = berth_tree_open_parent(tree, entry->path, error);

    if (parent < 0)
        return -1;
    for (int attempt = 0; attempt < 2; attempt++) {
        bool made;
        if (!make_one_directory(parent, name, entry->mode & 0777, entry->path, &made, error))
            return -1;
        int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0)
            return fd;
        if ((errno != ENOTDIR && errno != ELOOP) || !remove_existing(tree, entry->path, error))
            break;
        parent = berth_tree_open_parent(tree, entry->path, error);
    }
    if (error && !*error)
        berth_error_set_errno(error, errno, "make directory \"%.200s\"", entry->path);
    return -1;
}

bool berth_tree_add_directory(BerthTree *tree, const BerthTreeEntry *entry, GError **error) {
    berth_autofd int fd = entry->path[0] == '\0'
                              ? openat(tree->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                              : make_directory(tree, entry, error);

    if (fd < 0)
        return false;
    if (!set_attributes_of_fd(tree, entry, fd, true, error) ||
        !note(tree, strlen(entry->path), error))
        return false;
    g_hash_table_remove(tree->implied, entry->path);
    DirectoryTime *time = g_new0(DirectoryTime, 1);
    time->path = g_strdup(entry->path);
    time->mtime = entry->mtime;
    g_ptr_array_add(tree->times, time);
    return true;
}

int berth_tree_create_file(BerthTree *tree, const BerthTreeEntry *entry, GError **error) {
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const char *name = berth_tree_get_name(entry->path);
    int parent = berth_tree_open_parent(tree, entry->path, error);

    if (parent < 0)
        return -1;
    int fd = openat(parent, name, flags, entry->mode & 0777);
    if (fd < 0 && errno == EEXIST && remove_existing(tree, entry->path, error)) {
        parent = berth_tree_open_parent(tree, entry->path, error);
        fd = openat(parent, name, flags, entry->mode & 0777);
    }
    if (fd < 0 && error && !*error)
        berth_error_set_errno(error, errno, "make \"%.200s\"", entry->path);
    return fd;
}

bool berth_tree_finish_file(BerthTree *tree, const BerthTreeEntry *entry, int fd, GError **error) {
    const struct timespec times[2] = {entry->mtime, entry->mtime};

    if (!set_attributes_of_fd(tree, entry, fd, (entry->mode & 07000) != 0, error))
        return false;
    if (futimens(fd, times) < 0)
        return berth_error_set_errno(error, errno, "set the time of \"%.200s\"", entry->path);
    return true;
}

typedef int (*Maker)(int parent, const char *name, const BerthTreeEntry *entry);

static int make_symlink(int parent, const char *name, const BerthTreeEntry *entry) {
    return symlinkat(entry->target, parent, name);
}

static int make_special(int parent, const char *name, const BerthTreeEntry *entry) {
    return mknodat(parent, name, entry->mode & (S_IFMT | 0777), entry->device);
}

static int make_whiteout(int parent, const char *name, const BerthTreeEntry *entry) {
    (void)entry;
    return mknodat(parent, name, S_IFCHR, makedev(0, 0));
}

/* Makes what is made by one call, replacing what has the name. Returns the parent or -1. */
static int make_node(BerthTree *tree, const BerthTreeEntry *entry, Maker maker, GError **error) {
    const char *name = berth_tree_get_name(entry->path);
    int parent = berth_tree_open_parent(tree, entry->path, error);

    if (parent < 0 || maker(parent, name, entry) == 0)
        return parent;
    if (errno == EEXIST) {
        if (!remove_existing(tree, entry->path, error))
            return -1;
        parent = berth_tree_open_parent(tree, entry->path, error);
        if (parent < 0 || maker(parent, name, entry) == 0)
            return parent;
    }
    berth_error_set_errno(error, errno, "make \"%.200s\"", entry->path);
    return -1;
}

static bool set_attributes_by_name(BerthTree *tree, const BerthTreeEntry *entry, int parent,
                                   GError **error) {
    const char *name = berth_tree_get_name(entry->path);

    if (!berth_attributes_set_owner(parent, name, entry->uid, entry->gid))
        return berth_error_set_errno(error, errno, "set the owner of \"%.200s\"", entry->path);
    if (!S_ISLNK(entry->mode) &&
        fchmodat(parent, name, berth_attributes_limit_mode(entry->mode), 0) < 0)
        return berth_error_set_errno(error, errno, "set the mode of \"%.200s\"", entry->path);
    return set_xattrs(tree, entry, -1, error) && set_time(entry, parent, error);
}

bool berth_tree_add_symlink(BerthTree *tree, const BerthTreeEntry *entry, GError **error) {
    int parent = make_node(tree, entry, make_symlink, error);

    return parent >= 0 && set_attributes_by_name(tree, entry, parent, error);
}

static bool defer_link(BerthTree *tree, const BerthTreeEntry *entry, GError **error) {
    BerthTreeLink *link;

    if (!note(tree, strlen(entry->target) + strlen(entry->path), error) ||
        !remove_existing(tree, entry->path, error))
        return false;
    link = g_new0(BerthTreeLink, 1);
    link->target = g_strdup(entry->target);
    link->path = g_strdup(entry->path);
    g_ptr_array_add(tree->links, link);
    return true;
}

bool berth_tree_add_hard_link(BerthTree *tree, const BerthTreeEntry *entry, GError **error) {
    g_autofree char *above = g_path_get_dirname(entry->target);
    const char *from = berth_tree_get_name(entry->target), *to = berth_tree_get_name(entry->path);
    berth_autofd int source = berth_fd_open_beneath(tree->root, above, O_PATH | O_DIRECTORY, 0);

    if (source < 0 && errno != ENOENT)
        return path_error(errno, entry->target, error);
    if (g_str_equal(entry->target, entry->path))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "\"%.200s\" is a hard link to itself", entry->path);
    if (source < 0)
        return defer_link(tree, entry, error);
    int parent = berth_tree_open_parent(tree, entry->path, error);
    if (parent < 0)
        return false;
    if (linkat(source, from, parent, to, 0) == 0)
        return true;
    if (errno == ENOENT)
        return defer_link(tree, entry, error);
    if (errno != EEXIST || !remove_existing(tree, entry->path, error) ||
        (parent = berth_tree_open_parent(tree, entry->path, error)) < 0 ||
        linkat(source, from, parent, to, 0) < 0) {
        if (error && !*error)
            berth_error_set_errno(error, errno, "link \"%.200s\" to \"%.200s\"", entry->path,
                                  entry->target);
        return false;
    }
    return true;
}

/* What this layer itself has under the name stays; a directory then hides the lower one. */
static bool hide(BerthTree *tree, const char *path, GError **error) {
    const char *name = berth_tree_get_name(path);
    int parent = berth_tree_open_parent(tree, path, error);
    struct stat status;

    if (parent < 0)
        return false;
    if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
        return !S_ISDIR(status.st_mode) || set_opaque(parent, name, path, error);
    if (make_whiteout(parent, name, NULL) < 0)
        return berth_error_set_errno(error, errno, "make a whiteout for \"%.200s\"", path);
    if (!note(tree, strlen(path), error))
        return false;
    g_ptr_array_add(tree->whiteouts, g_strdup(path));
    return true;
}

bool berth_tree_add_special(BerthTree *tree, const BerthTreeEntry *entry, GError **error) {
    /* Where no device is made, what it replaces goes all the same. */
    if (berth_attributes_are_plain() && !S_ISFIFO(entry->mode))
        return remove_existing(tree, entry->path, error) && hide(tree, entry->path, error);
    int parent = make_node(tree, entry, make_special, error);
    return parent >= 0 && set_attributes_by_name(tree, entry, parent, error);
}

bool berth_tree_add_whiteout(BerthTree *tree, const char *path, bool *was_whiteout,
                             GError **error) {
    const char *name = berth_tree_get_name(path);

    *was_whiteout = g_str_has_prefix(name, WHITEOUT_PREFIX);
    if (!*was_whiteout)
        return true;
    if (g_str_equal(name, WHITEOUT_OPAQUE)) {
        int parent = berth_tree_open_parent(tree, path, error);
        return parent >= 0 && set_opaque(parent, ".", path, error);
    }
    const char *hidden = name + strlen(WHITEOUT_PREFIX);
    /* ".wh..wh." begins aufs' own metadata, which means nothing here. */
    if (g_str_has_prefix(hidden, WHITEOUT_PREFIX))
        return true;
    if (hidden[0] == '\0' || g_str_equal(hidden, ".") || g_str_equal(hidden, ".."))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the layer holds the invalid whiteout \"%.200s\"", path);
    g_autofree char *whole = g_strdup_printf("%.*s%s", (int)(name - path), path, hidden);
    return hide(tree, whole, error);
}

bool berth_tree_finish(BerthTree *tree, GError **error) {
    berth_tree_forget_parent(tree);
    for (guint i = 0; i < tree->times->len; i++) {
        DirectoryTime *time = tree->times->pdata[i];
        const struct timespec times[2] = {time->mtime, time->mtime};
        const char *opened = time->path[0] ? time->path : ".";
        berth_autofd int fd =
            berth_fd_open_beneath(tree->root, opened, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
        /* A later entry, also a link that leads anywhere, may have taken its place. */
        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EXDEV))
            continue;
        if (fd < 0 || futimens(fd, times) < 0)
            return berth_error_set_errno(error, errno, "set the time of \"%.200s\"", time->path);
    }
    return true;
}

bool berth_tree_needs_lower(BerthTree *tree) {
    return g_hash_table_size(tree->implied) > 0 || tree->links->len > 0 || tree->whiteouts->len > 0;
}
