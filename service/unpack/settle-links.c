/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Replaces placeholders with what they stand for. First those whose target is below: it is copied,
 * as overlayfs's copy-up does, and all names that it has below become names of the copy, as far as
 * they are still visible. Then those whose target came later in this layer, in as many rounds as
 * there are links in a chain. Finally those whose target this layer itself hides: nothing else can
 * be meant.
 */

#include "unpack/settle-links.h"

#include "base/directory.h"
#include "base/fd.h"
#include "unpack/attributes.h"
#include "unpack/overlay-form.h"
#include "unpack/settle-inherit.h"
#include "unpack/tree-names.h"
#include "unpack/tree-notes.h"
#include "unpack/tree-path.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* A file of the layers below that this layer has a copy of. */
typedef struct {
    char *key;    /* device and inode below */
    char *target; /* a name of it below */
    char *path;   /* of the copy */
    bool has_more_names;
} LinkCopy;

typedef struct {
    BerthTree *tree;
    int lower;
    GHashTable *names;  /* BerthTreeLink → GPtrArray of its placeholders; those not settled yet */
    GHashTable *copies; /* key → Copy */
} Links;

static void link_copy_free(gpointer data) {
    LinkCopy *copy = data;

    g_free(copy->key);
    g_free(copy->target);
    g_free(copy->path);
    g_free(copy);
}

/* Device and inode: two names of one file below have the same key, and therefore share one copy. */
static char *link_make_key(const struct stat *status) {
    return g_strdup_printf("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, (guint64)status->st_dev,
                           (guint64)status->st_ino);
}

/* Opens the directory of path, which is a real path: none of its components may be a symbolic link.
 */
static int links_open_parent(BerthTree *tree, const char *path) {
    g_autofree char *directory = berth_tree_get_directory(path);

    return berth_fd_open_real(tree->root, berth_tree_path_or_dot(directory), O_PATH | O_DIRECTORY,
                              0);
}

static bool link_paths(BerthTree *tree, const char *from, const char *to, GError **error) {
    berth_autofd int source = links_open_parent(tree, from);
    berth_autofd int parent = links_open_parent(tree, to);

    return (source >= 0 && parent >= 0 &&
            linkat(source, berth_tree_get_name(from), parent, berth_tree_get_name(to), 0) == 0) ||
           berth_error_set_errno(error, errno, "link \"%.200s\" to \"%.200s\"", to, from);
}

/* Replaces the placeholder at path with a hard link to by; if by is NULL, it is only removed. */
static bool replace_placeholder(BerthTree *tree, const char *path, const char *by, GError **error) {
    berth_autofd int parent = links_open_parent(tree, path);

    if (parent < 0 || unlinkat(parent, berth_tree_get_name(path), 0) < 0)
        return berth_error_set_errno(error, errno, "replace \"%.200s\"", path);
    g_tree_remove(tree->links, path);
    return !by || link_paths(tree, by, path, error);
}

static bool copy_part(int from, int to, off_t start, off_t end, GError **error) {
    char buffer[64 * 1024];

    while (start < end) {
        off_t in = start, out = start;
        ssize_t done = copy_file_range(from, &in, to, &out, (size_t)(end - start), 0);
        /* copy_file_range(2) fails on some file systems and between others; the bytes are then
         * copied here. */
        if (done < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP ||
                         errno == ENOSYS || errno == EPERM)) {
            done = pread(from, buffer, (size_t)MIN(end - start, (off_t)sizeof buffer), start);
            if (done > 0)
                done = pwrite(to, buffer, (size_t)done, start);
        }
        if (done < 0 && errno != EINTR)
            return berth_error_set_errno(error, errno, "copy a file");
        if (done == 0)
            return true;
        start += MAX(done, 0);
    }
    return true;
}

/* Holes are preserved. */
static bool copy_content(int from, int to, off_t size, GError **error) {
    off_t start = 0;

    while (start < size) {
        off_t data = lseek(from, start, SEEK_DATA);
        /* The rest is a hole. After any other error, it is copied without looking for holes. */
        if (data < 0 && errno == ENXIO)
            break;
        off_t end = data < 0 ? size : lseek(from, data, SEEK_HOLE);
        data = MAX(data, start);
        if (!copy_part(from, to, data, end < data ? size : end, error))
            return false;
        start = end < data ? size : end;
    }
    return ftruncate(to, size) == 0 || berth_error_set_errno(error, errno, "copy a file");
}

/* Removes the ACL that the copy inherits from its directory, before it gets that of the original.
 */
static bool clear_given_acl(const Links *links, int parent, const char *name) {
    return !links->tree->default_acl || berth_attributes_clear_acl_of(parent, name);
}

/* Only its owner can read the copy until it has the attributes of the original. */
static bool copy_regular(const Links *links, const char *target, int parent, const char *path,
                         const struct stat *status, GError **error) {
    berth_autofd int from =
        berth_fd_open_real(links->lower, target, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    berth_autofd int to = openat(parent, berth_tree_get_name(path),
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (from < 0 || to < 0 || !clear_given_acl(links, parent, berth_tree_get_name(path)))
        return berth_error_set_errno(error, errno, "copy \"%.200s\"", target);
    return copy_content(from, to, status->st_size, error) &&
           berth_attributes_copy(from, to, target, error);
}

/* source is an O_PATH descriptor of the link itself, which readlinkat(2) reads with an empty path.
 */
static bool link_copy_make_node(int source, int parent, const char *name,
                                const struct stat *status) {
    char target[PATH_MAX];

    if (!S_ISLNK(status->st_mode))
        return berth_overlay_make_node(parent, name, status->st_mode, status->st_rdev) == 0;
    ssize_t size = readlinkat(source, "", target, sizeof target - 1);
    target[MAX(size, 0)] = '\0';
    return size >= 0 && symlinkat(target, parent, name) == 0;
}

/* Owner before mode, since chown(2) clears set-id bits; times come last. A symbolic link has no
 * mode of its own. */
static bool link_copy_node(const Links *links, int source, int parent, const char *path,
                           const struct stat *status, GError **error) {
    const struct timespec times[2] = {status->st_atim, status->st_mtim};
    const char *name = berth_tree_get_name(path);

    return (link_copy_make_node(source, parent, name, status) &&
            (S_ISLNK(status->st_mode) || clear_given_acl(links, parent, name)) &&
            berth_attributes_set_owner(parent, name, status->st_uid, status->st_gid) &&
            (S_ISLNK(status->st_mode) ||
             fchmodat(parent, name, berth_attributes_limit_mode(status->st_mode), 0) == 0) &&
            utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) == 0) ||
           berth_error_set_errno(error, errno, "copy to \"%.200s\"", path);
}

/* Replaces the placeholder at path with the copy. links->copies owns the result. */
static LinkCopy *make_copy(Links *links, const BerthTreeLink *link, const char *path, int source,
                           const struct stat *status, GError **error) {
    if (!replace_placeholder(links->tree, path, NULL, error))
        return NULL;
    berth_autofd int parent = links_open_parent(links->tree, path);
    if (parent < 0) {
        berth_error_set_errno(error, errno, "open the directory of \"%.200s\"", path);
        return NULL;
    }
    bool copied = S_ISREG(status->st_mode)
                      ? copy_regular(links, link->target, parent, path, status, error)
                      : link_copy_node(links, source, parent, path, status, error);
    if (!copied)
        return NULL;
    LinkCopy *copy = g_new0(LinkCopy, 1);
    copy->key = link_make_key(status);
    copy->target = g_strdup(link->target);
    copy->path = g_strdup(path);
    copy->has_more_names = status->st_nlink > 1;
    g_hash_table_insert(links->copies, copy->key, copy);
    return copy;
}

/* Makes every name of link a name of the file at to, which may be one of them. The link is then
 * settled. */
static bool link_all(Links *links, const BerthTreeLink *link, const char *to, GError **error) {
    GPtrArray *names = g_hash_table_lookup(links->names, link);

    for (guint i = 0; i < names->len; i++)
        if (!g_str_equal(names->pdata[i], to) &&
            !replace_placeholder(links->tree, names->pdata[i], to, error))
            return false;
    g_hash_table_remove(links->names, link);
    return true;
}

/* Settles all names of one target if it exists in the layers below; found tells whether it does. */
static bool link_to_lower(Links *links, const BerthTreeLink *link, bool *found, GError **error) {
    GPtrArray *names = g_hash_table_lookup(links->names, link);
    struct stat status;
    berth_autofd int source =
        links->lower < 0 ? -1 : berth_tree_open_entry(links->lower, link->target, &status);

    *found = source >= 0;
    if (source < 0)
        return true;
    if (S_ISDIR(status.st_mode))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "\"%.200s\" is a hard link to \"%.200s\", which is a directory",
                               (char *)names->pdata[0], link->target);
    g_autofree char *key = link_make_key(&status);
    LinkCopy *copy = g_hash_table_lookup(links->copies, key);
    if (!copy)
        copy = make_copy(links, link, names->pdata[0], source, &status, error);
    return copy && link_all(links, link, copy->path, error);
}

/* Settles them if this layer has made the target later and it is not a placeholder itself. */
static bool link_to_later(Links *links, const BerthTreeLink *link, bool *found, GError **error) {
    struct stat status;
    berth_autofd int fd = berth_tree_open_entry(links->tree->root, link->target, &status);

    *found = fd >= 0 && !S_ISDIR(status.st_mode) && !berth_overlay_is_whiteout(&status) &&
             !berth_tree_has(links->tree->links, link->target);
    return !*found || link_all(links, link, link->target, error);
}

/* Processes the links in the tar's order, so that the result does not depend on hashing. any tells
 * whether one of them was settled. */
static bool settle_each(Links *links, bool hidden_ones,
                        bool (*settle)(Links *, const BerthTreeLink *, bool *, GError **),
                        bool *any, GError **error) {
    GPtrArray *all = links->tree->all_links;
    bool found = false;

    *any = false;
    for (guint i = 0; i < all->len; i++) {
        const BerthTreeLink *link = all->pdata[i];
        if ((link->hidden && !hidden_ones) || !g_hash_table_contains(links->names, link))
            continue;
        if (!settle(links, link, &found, error))
            return false;
        *any = *any || found;
    }
    return true;
}

/* A target may itself be a placeholder that has to be settled first; the rounds end when one
 * settles nothing. */
static bool settle_later(Links *links, GError **error) {
    bool any;

    do
        if (!settle_each(links, true, link_to_later, &any, error))
            return false;
    while (any);
    return true;
}

static bool check_all_settled(Links *links, GError **error) {
    GPtrArray *all = links->tree->all_links;

    for (guint i = 0; i < all->len; i++) {
        const BerthTreeLink *link = all->pdata[i];
        GPtrArray *names = g_hash_table_lookup(links->names, link);
        if (names)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "\"%.200s\" is a hard link to \"%.200s\", which no layer holds",
                                   (char *)names->pdata[0], link->target);
    }
    return true;
}

/* Makes the directories above path that this layer does not have yet; each takes its attributes
 * from the layers below. */
static bool links_make_parents(Links *links, const char *path, GError **error) {
    g_autofree char *prefix = g_strdup(path);
    bool found;

    for (char *slash = strchr(prefix, '/'); slash; slash = strchr(slash, '/')) {
        *slash = '\0';
        berth_autofd int parent = links_open_parent(links->tree, prefix);
        if (parent < 0)
            return berth_error_set_errno(error, errno, "open the directory of \"%.200s\"", prefix);
        if (mkdirat(parent, berth_tree_get_name(prefix), 0755) == 0) {
            if (!berth_settle_inherit(links->tree, links->lower, prefix, &found, error))
                return false;
        } else if (errno != EEXIST) {
            return berth_error_set_errno(error, errno, "make directory \"%.200s\"", prefix);
        }
        *slash++ = '/';
    }
    return true;
}

/* Makes a name that the file has below a name of the copy, unless this layer has made or hidden
 * that name. */
static bool links_add_name(Links *links, const LinkCopy *copy, const char *path, GError **error) {
    struct stat status;
    berth_autofd int fd = berth_tree_open_entry(links->tree->root, path, &status);

    /* ENOTDIR: this layer replaces a directory above it. */
    if (fd >= 0 || errno != ENOENT || !berth_tree_sees_lower(links->tree, path))
        return true;
    return links_make_parents(links, path, error) &&
           link_paths(links->tree, copy->path, path, error);
}

static bool add_names_in(Links *links, GQueue *directories, GError **error) {
    g_autofree char *directory = g_queue_pop_head(directories);
    struct stat status, own;
    berth_autofd int fd = berth_fd_open_real(links->lower, berth_tree_path_or_dot(directory),
                                             O_RDONLY | O_DIRECTORY, 0);
    berth_autolist DIR *list = fd < 0 ? NULL : berth_directory_list(fd);
    const char *name;
    bool good = true;

    if (!list || fstat(fd, &status) < 0 || fstat(links->tree->root, &own) < 0)
        return berth_error_set_errno(error, errno, "list \"%.200s\"", directory);
    /* A layer that is applied to a directory is unpacked inside that directory. */
    bool is_own = status.st_ino == own.st_ino && status.st_dev == own.st_dev;
    while (good && !is_own && (name = berth_directory_next(list))) {
        g_autofree char *path = berth_tree_join(directory, name);
        if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
            good = berth_error_set_errno(error, errno, "examine \"%.200s\"", path);
        } else if (S_ISDIR(status.st_mode)) {
            /* Depth first, so that few are queued at a time. */
            g_queue_push_head(directories, g_steal_pointer(&path));
        } else if (status.st_nlink > 1) {
            g_autofree char *key = link_make_key(&status);
            const LinkCopy *copy = g_hash_table_lookup(links->copies, key);
            good = !copy || links_add_name(links, copy, path, error);
        }
    }
    return good;
}

/* Searches the whole lower tree once, and only if one of the files has other names at all. */
static bool add_lower_names(Links *links, GError **error) {
    g_autoptr(GQueue) directories = g_queue_new();
    GHashTableIter iterator;
    gpointer value;
    bool any = false, good = true;

    g_hash_table_iter_init(&iterator, links->copies);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const LinkCopy *copy = value;
        if (!links_add_name(links, copy, copy->target, error))
            return false;
        any = any || copy->has_more_names;
    }
    if (any)
        g_queue_push_tail(directories, g_strdup(""));
    while (good && !g_queue_is_empty(directories))
        good = add_names_in(links, directories, error);
    g_queue_foreach(directories, (GFunc)(void *)g_free, NULL);
    return good;
}

/* Collects the names of each link, in the order of the sorted table. */
static void collect_names(Links *links) {
    for (GTreeNode *node = g_tree_node_first(links->tree->links); node;
         node = g_tree_node_next(node)) {
        gpointer link = g_tree_node_value(node);
        GPtrArray *names = g_hash_table_lookup(links->names, link);
        if (!names) {
            names = g_ptr_array_new_with_free_func(g_free);
            g_hash_table_insert(links->names, link, names);
        }
        g_ptr_array_add(names, g_strdup(g_tree_node_key(node)));
    }
}

/* The steps are those described at the top of this file; each one only sees links that the previous
 * ones have left. */
bool berth_settle_links(BerthTree *tree, int lower, GError **error) {
    g_autoptr(GHashTable) names =
        g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    g_autoptr(GHashTable) copies =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, link_copy_free);
    Links links = {tree, lower, names, copies};
    bool any;

    collect_names(&links);
    return settle_each(&links, false, link_to_lower, &any, error) && settle_later(&links, error) &&
           settle_each(&links, true, link_to_lower, &any, error) && settle_later(&links, error) &&
           check_all_settled(&links, error) && add_lower_names(&links, error);
}
