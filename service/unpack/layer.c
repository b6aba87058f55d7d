/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "unpack/layer.h"

#include "base/fd.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

enum { MAX_ENTRIES = 5 * 1000 * 1000 };

typedef struct archive Archive;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Archive, archive_read_free)

static la_ssize_t read_block(struct archive *archive, void *userdata, const void **block) {
    (void)archive;
    return (la_ssize_t)berth_stream_next(userdata, block);
}

static bool archive_failed(struct archive *archive, GError **error) {
    const char *reason = archive_error_string(archive);

    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "the layer is no valid tar: %s",
                           reason ? reason : "unreadable");
}

static bool write_content(struct archive *archive, int fd, const BerthTreeEntry *entry,
                          int64_t size, GError **error) {
    const void *block;
    size_t length;
    la_int64_t offset, end = 0;
    int r;

    while ((r = archive_read_data_block(archive, &block, &length, &offset)) == ARCHIVE_OK) {
        while (length > 0) {
            ssize_t written = pwrite(fd, block, length, offset);
            if (written < 0 && errno == EINTR)
                continue;
            if (written < 0)
                return berth_error_set_errno(error, errno, "write \"%.200s\"", entry->path);
            block = (const char *)block + written;
            length -= (size_t)written;
            offset += written;
        }
        end = offset;
    }
    if (r != ARCHIVE_EOF)
        return archive_failed(archive, error);
    /* A hole at the end has no block. */
    if (end < size && ftruncate(fd, size) < 0)
        return berth_error_set_errno(error, errno, "set the size of \"%.200s\"", entry->path);
    return true;
}

static bool add_file(struct archive *archive, BerthTree *tree, const BerthTreeEntry *entry,
                     int64_t size, GError **error) {
    berth_autofd int fd = berth_tree_create_file(tree, entry, error);

    return fd >= 0 && (size == 0 || write_content(archive, fd, entry, size, error)) &&
           berth_tree_finish_file(tree, entry, fd, error);
}

static void read_xattrs(struct archive_entry *from, BerthTreeEntry *entry) {
    const char *name;
    const void *value;
    size_t size;

    if (archive_entry_xattr_reset(from) == 0)
        return;
    entry->xattr_names = g_ptr_array_new_with_free_func(g_free);
    entry->xattr_values = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    while (archive_entry_xattr_next(from, &name, &value, &size) == ARCHIVE_OK) {
        g_ptr_array_add(entry->xattr_names, g_strdup(name));
        g_ptr_array_add(entry->xattr_values, g_bytes_new(value, size));
    }
}

static void clear_xattrs(BerthTreeEntry *entry) {
    g_clear_pointer(&entry->xattr_names, g_ptr_array_unref);
    g_clear_pointer(&entry->xattr_values, g_ptr_array_unref);
}

static bool add_by_type(struct archive *archive, struct archive_entry *from, BerthTree *tree,
                        const BerthTreeEntry *entry, GError **error) {
    if (entry->target && !S_ISLNK(entry->mode))
        return berth_tree_add_hard_link(tree, entry, error);
    switch (entry->mode & S_IFMT) {
    case S_IFDIR:
        return berth_tree_add_directory(tree, entry, error);
    case S_IFREG:
        return add_file(archive, tree, entry, archive_entry_size(from), error);
    case S_IFLNK:
        return berth_tree_add_symlink(tree, entry, error);
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
        return berth_tree_add_special(tree, entry, error);
    default:
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "the layer holds \"%.200s\" of the unknown type %o", entry->path,
                               entry->mode & S_IFMT);
    }
}

/* The link target of an entry, whichever kind of link it is. */
static bool read_target(struct archive_entry *from, BerthTreeEntry *entry, char **owned,
                        GError **error) {
    const char *hard_link = archive_entry_hardlink(from);

    if (hard_link) {
        *owned = berth_tree_normalize(hard_link, error);
        entry->target = *owned;
        entry->mode = S_IFREG;
        return *owned != NULL;
    }
    if (!S_ISLNK(entry->mode))
        return true;
    entry->target = archive_entry_symlink(from);
    return entry->target ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "the symbolic link \"%.200s\" has no target", entry->path);
}

static bool add_entry(struct archive *archive, struct archive_entry *from, BerthTree *tree,
                      GError **error) {
    const char *name = archive_entry_pathname(from);
    g_autofree char *target = NULL;
    bool was_whiteout;

    if (!name)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the layer holds a nameless file");
    g_autofree char *path = berth_tree_normalize(name, error);
    if (!path)
        return false;
    BerthTreeEntry entry = {
        .path = path,
        .mode = archive_entry_mode(from),
        .uid = (uid_t)archive_entry_uid(from),
        .gid = (gid_t)archive_entry_gid(from),
        .mtime = {archive_entry_mtime(from), archive_entry_mtime_nsec(from)},
        .device = archive_entry_rdev(from),
    };
    if (!berth_tree_add_whiteout(tree, path, &was_whiteout, error))
        return false;
    if (was_whiteout)
        return true;
    if (path[0] == '\0' && !S_ISDIR(entry.mode))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the layer's root is no directory");
    if (!read_target(from, &entry, &target, error))
        return false;
    read_xattrs(from, &entry);
    bool added = add_by_type(archive, from, tree, &entry, error);
    clear_xattrs(&entry);
    return added;
}

bool berth_layer_unpack(BerthStream *stream, BerthTree *tree, GError **error) {
    g_autoptr(Archive) archive = archive_read_new();
    struct archive_entry *entry;
    int r;

    archive_read_support_format_tar(archive);
    /* Docker's empty layer is 1024 zeros, other tools push no byte at all. */
    archive_read_support_format_empty(archive);
    if (archive_read_open(archive, stream, NULL, read_block, NULL) != ARCHIVE_OK)
        return archive_failed(archive, error);
    for (unsigned count = 0;; count++) {
        r = archive_read_next_header(archive, &entry);
        if (r == ARCHIVE_EOF)
            break;
        /* A warning is a name in no known character set, which is kept as its bytes. */
        if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
            return archive_failed(archive, error);
        if (count >= MAX_ENTRIES)
            return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                                   "the layer has more than %d files", MAX_ENTRIES);
        if (!add_entry(archive, entry, tree, error))
            return false;
    }
    return berth_tree_finish(tree, error);
}
