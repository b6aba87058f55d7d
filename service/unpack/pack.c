/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One walk through the tree, with the names in each directory sorted, so that the same tree yields
 * the same bytes and therefore the same digest. A Pack exists for that walk and remembers the first
 * name of each file that has several, so that the others become hard links.
 */

#include "unpack/pack.h"

#include "base/directory.h"
#include "base/fd.h"
#include "tar/writer.h"
#include "unpack/attributes.h"
#include "unpack/overlay-form.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/xattr.h>

enum { BLOCK_BYTES = 256 * 1024, MAX_DEPTH = 1024 };

typedef struct {
    BerthTarWriter *writer;
    GHashTable *links; /* "device:inode" of files with several names → the first one */
    char *buffer;
} Pack;

static bool pack_directory(Pack *pack, int directory, const char *path, unsigned depth,
                           GError **error);

static char *join_path(const char *path, const char *prefix, const char *name) {
    return g_strconcat(path, path[0] ? "/" : "", prefix, name, NULL);
}

/* A whiteout in the form used in layers: an empty file owned by root (OCI image specification,
 * layer.md, "Whiteouts"). */
static bool add_empty(Pack *pack, const char *path, GError **error) {
    const BerthTarEntry entry = {.path = (char *)path, .mode = S_IFREG | 0644};

    return berth_tar_writer_add(pack->writer, &entry, error);
}

/* Refuses a change that overlayfs has recorded in a form that only overlayfs can read. */
static bool check_xattr(const char *name, const char *path, GError **error) {
    if (g_str_equal(name, "trusted.overlay.redirect") ||
        g_str_equal(name, "trusted.overlay.metacopy"))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "\"%.200s\" was changed in a way that no layer can express (%s)",
                               path, name);
    return true;
}

/* Symbolic links and nodes are not opened, so their attributes are not packed; user.* cannot be set
 * on them anyway (xattr(7)). */
static bool add_xattrs(BerthTarEntry *entry, int fd, const char *path, GError **error) {
    g_autofree char *names = g_malloc(XATTR_LIST_MAX), *value = g_malloc(XATTR_SIZE_MAX);
    ssize_t length = berth_attributes_list_xattrs(fd, names, XATTR_LIST_MAX);

    for (char *name = names; length > 0 && name < names + length; name += strlen(name) + 1) {
        if (!check_xattr(name, path, error))
            return false;
        if (g_str_has_prefix(name, BERTH_OVERLAY_XATTR_PREFIX))
            continue;
        ssize_t size = berth_attributes_get_xattr(fd, name, value, XATTR_SIZE_MAX);
        if (size < 0)
            return berth_error_set_errno(error, errno, "read %s of \"%.200s\"", name, path);
        g_autoptr(GBytes) bytes = g_bytes_new(value, (gsize)size);
        berth_tar_entry_add_xattr(entry, name, bytes);
    }
    return true;
}

/* The header has announced size bytes: a file that has become shorter is an error, one that has
 * grown is cut. */
static bool pack_write_content(Pack *pack, int fd, const char *path, uint64_t size,
                               GError **error) {
    uint64_t done = 0;

    while (done < size) {
        ssize_t got = read(fd, pack->buffer, MIN((uint64_t)BLOCK_BYTES, size - done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return berth_error_set_errno(error, got < 0 ? errno : EIO, "read \"%.200s\"", path);
        if (!berth_tar_writer_write(pack->writer, pack->buffer, (size_t)got, error))
            return false;
        done += (uint64_t)got;
    }
    return true;
}

/* The header for another name of a file already packed; NULL if this is the first one. */
static const char *find_link(Pack *pack, const struct stat *status, const char *path) {
    if (S_ISDIR(status->st_mode) || status->st_nlink < 2)
        return NULL;
    g_autofree char *key = g_strdup_printf("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                                           (guint64)status->st_dev, (guint64)status->st_ino);
    const char *first = g_hash_table_lookup(pack->links, key);
    if (!first)
        g_hash_table_insert(pack->links, g_steal_pointer(&key), g_strdup(path));
    return first;
}

static bool set_symlink(BerthTarEntry *entry, int directory, const char *name, const char *path,
                        GError **error) {
    char target[PATH_MAX];
    ssize_t size = readlinkat(directory, name, target, sizeof target - 1);

    if (size < 0)
        return berth_error_set_errno(error, errno, "read the link \"%.200s\"", path);
    target[size] = '\0';
    entry->target = g_strdup(target);
    return true;
}

/* O_NONBLOCK, in case the name has become a FIFO since status was read. The first name of a file
 * has its attributes and content; hard links to it have neither. */
static bool pack_add_entry(Pack *pack, int directory, const char *name, const struct stat *status,
                           const char *path, GError **error) {
    bool readable = S_ISREG(status->st_mode) || S_ISDIR(status->st_mode);
    berth_autofd int fd =
        readable ? openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
    const char *first = find_link(pack, status, path);
    bool has_content = S_ISREG(status->st_mode) && !first;
    g_auto(BerthTarEntry) entry = {
        .path = S_ISDIR(status->st_mode) ? g_strconcat(path, "/", NULL) : g_strdup(path),
        .target = g_strdup(first),
        .is_hard_link = first != NULL,
        .mode = status->st_mode,
        .uid = status->st_uid,
        .gid = status->st_gid,
        .size = has_content ? status->st_size : 0,
        .mtime = status->st_mtim,
        .device = status->st_rdev,
    };

    if (readable && fd < 0)
        return berth_error_set_errno(error, errno, "open \"%.200s\"", path);
    if ((S_ISLNK(status->st_mode) && !first &&
         !set_symlink(&entry, directory, name, path, error)) ||
        (fd >= 0 && !first && !add_xattrs(&entry, fd, path, error)))
        return false;
    return berth_tar_writer_add(pack->writer, &entry, error) &&
           (!has_content || pack_write_content(pack, fd, path, (uint64_t)status->st_size, error));
}

static bool pack_one(Pack *pack, int directory, const char *parent, const char *name,
                     unsigned depth, GError **error) {
    g_autofree char *path = join_path(parent, "", name);
    struct stat status;

    if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return berth_error_set_errno(error, errno, "examine \"%.200s\"", path);
    if (berth_overlay_is_whiteout(&status)) {
        g_autofree char *whiteout = join_path(parent, ".wh.", name);
        return add_empty(pack, whiteout, error);
    }
    /* A socket is useless without the process that made it. */
    if (S_ISSOCK(status.st_mode))
        return true;
    if (!pack_add_entry(pack, directory, name, &status, path, error))
        return false;
    if (!S_ISDIR(status.st_mode))
        return true;
    berth_autofd int child =
        openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return child < 0 ? berth_error_set_errno(error, errno, "open \"%.200s\"", path)
                     : pack_directory(pack, child, path, depth + 1, error);
}

static bool pack_directory(Pack *pack, int directory, const char *path, unsigned depth,
                           GError **error) {
    /* Sorted, so that the same tree yields the same layer. */
    g_autoptr(GPtrArray) names = berth_directory_list_names(directory);

    if (!names)
        return false;
    if (depth > MAX_DEPTH)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED, "directories nest too deep");
    /* The root of the changes is never opaque: overlayfs always merges it. */
    if (path[0] && berth_attributes_is_opaque(directory)) {
        g_autofree char *opaque = join_path(path, "", ".wh..wh..opq");
        if (!add_empty(pack, opaque, error))
            return false;
    }
    for (guint i = 0; i < names->len; i++)
        if (!pack_one(pack, directory, path, names->pdata[i], depth, error))
            return false;
    return true;
}

bool berth_pack(int root, int output, GError **error) {
    g_autoptr(BerthTarWriter) writer = berth_tar_writer_new(output);
    g_autoptr(GHashTable) links = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autofree char *buffer = g_malloc(BLOCK_BYTES);
    Pack pack = {writer, links, buffer};

    return pack_directory(&pack, root, "", 0, error) && berth_tar_writer_finish(writer, error);
}
